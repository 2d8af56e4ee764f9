import { DEFAULT_CHANNEL } from '@hotpatch/api'
import {
  MAX_SEQUENCE_STEP,
  type ClientTakes,
  type CompiledRollout,
  type Device,
  type DeviceTrust,
  type ExportTool,
  type RefusalReason,
} from '@hotpatch/protocol'
import { timestamp } from '../../ground/clock.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import { describeBinaries, mendBinaries } from './binary-files.ts'
import { describeComponents, mendComponents } from './component-files.ts'

/** What the ways out need to name. */
export interface RefusalPlace {
  /** The slug. */
  app: string
  platform: string
  channel: string
  /** That the server would give out now. */
  nextSequence: number
}

type Refused = CompiledRollout<OfferedRelease>

/** What a device told of itself that D11 judges by. */
export type Refusing = Pick<Device, 'takes' | 'trust' | 'nativeVersion'>

/** Of nobody: what is missing here, no reason follows from. */
const TAKES_NOTHING: ClientTakes = { kinds: [], forms: [], embedded: false }
const NO_TRUST: DeviceTrust = { highWater: 0, floor: 0, keyIds: [], heldReleaseId: null }

/** D11, with the numbers and keys that it follows from. */
export function describeRefusal(reason: RefusalReason, rollout: Refused, refusing: Refusing): string {
  const { takes = TAKES_NOTHING, trust = NO_TRUST } = refusing
  const { highWater, floor, keyIds } = trust
  const name = nameOf(rollout)
  switch (reason) {
    case 'kind-not-taken':
      return `${sentence(name)} is content of the kind "${rollout.kind}", and the client on the device takes only: ${takes.kinds.join(', ')}.`
    case 'form-not-taken':
      return `${sentence(name)} ${describeForms(rollout, takes)}`
    case 'encryption-not-taken':
      return `${sentence(name)} is there only encrypted, for ${sealedFor(rollout)}, and the client on the device tells no key to decrypt it by.`
    case 'decryption-key-not-held':
      return `${sentence(name)} is encrypted for ${sealedFor(rollout)}, and the app on the device has ${ownKeys(takes)}.`
    case 'list-not-held':
      return `The client on the device has to be told every file of ${name}, and the list of them is not in the memory of the server.`
    case 'built-before-binary':
      return `The binary of the app on the device has the build id ${takes.buildsFrom ?? ''}, and ${name}, ${buildIdOf(rollout)}, was built before: clients go back to what is older than their binary only by way of that.`
    case 'embedded-not-taken':
      return 'The client on the device cannot be told to go back to what its binary shipped with, so it keeps what it runs.'
    case 'answer-not-signed':
      return `The client on the device takes only what is signed by the key "${takes.answersSignedBy ?? ''}", for a later time than that of what it has: of ${name} there is no such answer.`
    case 'not-newer':
      return `The device has ${refusing.nativeVersion ?? 'a version'} of the app, and ${name} is not newer: installers go forward only.`
    case 'below-high-water':
      return `The device has confirmed sequence ${highWater} already, and refuses lower ones: ${name} is signed as ${rollout.sequence}.`
    case 'below-device-floor':
      return rollout.target === 'embedded' && !rollout.restated
        ? `The device has taken a publisher's floor (${floor}), so it takes ${name} only when that is signed.`
        : `The device has taken a publisher's floor, and refuses what is below ${floor}: ${name} is signed as ${rollout.sequence}.`
    case 'key-not-trusted':
      return `${sentence(name)} is signed by the key ${foreignKey(rollout, trust)}, and the app on the device holds ${list(keyIds)}.`
    case 'not-signed':
      return rollout.bundleKeyId === null
        ? `The app on the device takes signed releases only, and ${name} is not signed.`
        : `The app on the device wants a signed statement, and ${name} has none: only its bundle is signed.`
    case 'sequence-too-far':
      return `${sentence(name)} is signed as ${rollout.sequence}. The device has confirmed ${highWater}, and lets a sequence rise by ${MAX_SEQUENCE_STEP} at once.`
    case 'older-than-binary':
      return `The app on the device was built ${timestamp(trust.builtAt ?? 0)}, after ${name} was signed (${timestamp(rollout.statedAt ?? 0)}), which does not say which binaries it is for.`
  }
}

/** What has to be done, a sentence each. */
export function waysOut(reason: RefusalReason, rollout: Refused, refusing: Refusing, place: RefusalPlace): string[] {
  const { takes = TAKES_NOTHING, trust = NO_TRUST } = refusing
  switch (reason) {
    case 'kind-not-taken':
      return [`Publish it as content that the client takes, under a new version: ${takes.kinds.join(', ')}.`]
    case 'form-not-taken':
      return [otherForm(rollout, takes, place)]
    case 'encryption-not-taken':
      return [
        'Bring out a binary whose client decrypts releases, and has the private key of one of these keys.',
        'Or publish it as it is, under a new version: hotpatch release --no-encrypt.',
      ]
    case 'decryption-key-not-held':
      return [
        `Publish it under a new version, encrypted for ${ownKeys(takes)}, too: hotpatch release --encrypt-for FILE. Or bring out a binary that has the private key of one of those.`,
      ]
    case 'list-not-held':
      return [
        'Halt or withdraw what nobody is to get any more: the newest releases in force are held, as many as there is room for.',
      ]
    case 'built-before-binary':
      return ['Build it again, and publish that under a new version: its id is the time of the build.']
    case 'embedded-not-taken':
      return [
        `Roll back to a release instead: hotpatch rollback --version VERSION${whereOf(place)}. Or publish what the binary shipped with, under a new version.`,
      ]
    case 'answer-not-signed':
      return [
        `Sign again, where the private key is: hotpatch expo sign${whereOf(place)}, which signs ${nameOf(rollout)} for now.`,
      ]
    case 'not-newer':
      return ['Publish what it is to have under a higher version, or with a higher version code.']
    case 'below-high-water':
    case 'below-device-floor':
      return [...raiseFirst(trust, place), `State it again, under the next sequence: ${rollBack(rollout, place)}`]
    case 'key-not-trusted':
      return [newKey(rollout, trust, place)]
    case 'not-signed':
      return rollout.bundleKeyId === null
        ? ['Publish it signed, under a new version: hotpatch release signs with the key of this computer.']
        : [`State it, signed: ${rollBack(rollout, place)}`]
    case 'sequence-too-far':
      return [
        `Have a release in between on ${place.channel}, with a sequence from ${rollout.sequence - MAX_SEQUENCE_STEP} to ${trust.highWater + MAX_SEQUENCE_STEP}: the device takes that first, and then this one.`,
      ]
    case 'older-than-binary':
      return [`State it again, if it is for this binary, too: ${rollBack(rollout, place)}`]
  }
}

/** D6: nothing fits, what runs was taken back, and the device does not go to embedded: it has no word, or a floor. */
export function keptFromEmbedded({ takes, trust = NO_TRUST }: Refusing, place: RefusalPlace) {
  const { floor } = trust
  if (takes && !takes.embedded) {
    return {
      explanation:
        'What it runs was taken back, but the client on the device cannot be told to go back to what its binary ' +
        'shipped with: it keeps what it runs until a release is for it.',
      waysOut: [
        `Roll back to a release that is good: hotpatch rollback --version VERSION${whereOf(place)}. Or publish one.`,
      ],
    }
  }
  return {
    explanation:
      `What it runs was taken back, but the device has taken a publisher's floor (${floor}), and goes to what its ` +
      'binary shipped with only when that is signed.',
    waysOut: [`Sign it: hotpatch rollback --to embedded${whereOf(place)}`],
  }
}

function describeForms(rollout: Refused, takes: ClientTakes): string {
  const refused = refusedBinary(rollout)
  if (refused && takes.binaries) return describeBinaries(refused, takes.binaries)
  const kit = refusedKit(rollout)
  if (kit && takes.components) return describeComponents(kit, takes.components)
  if (takes.exports) return `is not what ${EXPORTS[takes.exports]} makes, and the client on the device takes no other.`
  return `is there ${formsOf(rollout)}, and the client on the device takes ${takenForms(takes)}.`
}

const EXPORTS: Readonly<Record<ExportTool, string>> = {
  expo: '"npx expo export"',
  'hot-updater': '"npx hot-updater deploy" with "zip"',
}

function buildIdOf({ target }: Refused): string {
  return (target === 'embedded' ? null : target.buildId) ?? 'without one'
}

function refusedBinary({ target }: Refused) {
  if (target === 'embedded' || !target.binaries) return undefined
  return { version: target.version, binaries: target.binaries }
}

function refusedKit({ target }: Refused) {
  if (target === 'embedded' || !target.components) return undefined
  return { components: target.components }
}

function formsOf({ target }: Refused): string {
  const keys = target === 'embedded' ? [] : target.variants.map(({ keyId }) => keyId)
  return keys.length === 0 ? 'as it is only, not encrypted' : `as it is, and encrypted for ${keys.join(', ')}`
}

function takenForms({ forms }: ClientTakes): string {
  const keys = forms.map((form) => (form === 'plain' ? 'what is not encrypted' : `what is encrypted for ${form.keyId}`))
  return keys.length === 0 ? 'neither: it is too old for that' : `only ${keys.join(' or ')}`
}

function sealedFor({ target }: Refused): string {
  return target === 'embedded' ? 'nobody' : keysNamed(target.encryptedFor ?? [])
}

function ownKeys({ forms }: ClientTakes): string {
  return keysNamed(forms.filter((form) => form !== 'plain'))
}

function keysNamed(keys: readonly { keyId: string }[]): string {
  return `${keys.length === 1 ? 'the key' : 'the keys'} ${keys.map(({ keyId }) => keyId).join(', ')}`
}

function otherForm(rollout: Refused, takes: ClientTakes, { platform }: RefusalPlace): string {
  const { forms, binaries, components, exports } = takes
  const { target } = rollout
  const refused = refusedBinary(rollout)
  if (exports) return `Publish what ${EXPORTS[exports]} makes for ${platform}, under a new version.`
  if (refused && binaries) return mendBinaries(refused, binaries, platform)
  const kit = refusedKit(rollout)
  if (kit && components) return mendComponents(kit, components, platform)
  const version = target === 'embedded' ? 'VERSION' : target.version
  const key = forms.find((form) => form !== 'plain')
  if (!key) return 'Bring out a binary with a newer version of the client: this one takes no release as they are here.'
  return `Encrypt it for that key: hotpatch variants add ${version} --platform ${platform} with the private key of ${key.keyId}. Or bring out a binary that has another key, or none.`
}

/** A restored backup: the server goes on from a sequence that this device has seen long ago. */
function raiseFirst(trust: DeviceTrust, { app, platform, nextSequence }: RefusalPlace): string[] {
  const seen = Math.max(trust.highWater, trust.floor)
  if (seen < nextSequence) return []
  return [
    `Raise the next sequence of the server, which is ${nextSequence} as if an older backup had been restored: ` +
      `hotpatch apps set ${app} --platform ${platform} --next-sequence ${seen + 1}`,
  ]
}

/** A statement can be signed again by another key, a bundle cannot. */
function newKey(rollout: Refused, { keyIds }: DeviceTrust, place: RefusalPlace): string {
  const holds = `a key that the app on the device holds (${list(keyIds)})`
  const isBundles = rollout.bundleKeyId !== null && !keyIds.includes(rollout.bundleKeyId)
  const again = isBundles
    ? `Publish it under a new version, signed by ${holds}: hotpatch release --key FILE`
    : `Sign it again with ${holds}: ${rollBack(rollout, place)} --key FILE`
  return `${again}. Or bring out a binary that holds the key ${foreignKey(rollout, { keyIds })}.`
}

function foreignKey({ bundleKeyId, statementKeyId }: Refused, { keyIds }: Pick<DeviceTrust, 'keyIds'>): string {
  return [bundleKeyId, statementKeyId].find((keyId) => keyId !== null && !keyIds.includes(keyId)) ?? 'of somebody else'
}

function rollBack({ target, kind }: Refused, place: RefusalPlace): string {
  const to = target === 'embedded' ? '--to embedded' : `--version ${target.version}`
  // A kit says itself what is for which platform.
  return `hotpatch rollback ${to}${whereOf(kind === 'kit' ? { ...place, platform: 'any' } : place)}`
}

function whereOf({ platform, channel }: RefusalPlace): string {
  return ` --platform ${platform}${channel === DEFAULT_CHANNEL ? '' : ` --channel ${channel}`}`
}

function nameOf({ target }: Refused): string {
  return target === 'embedded' ? 'what the binary shipped with' : target.version
}

function sentence(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1)
}

function list(keyIds: readonly string[]): string {
  return keyIds.length === 1 ? `only ${keyIds[0]}` : keyIds.join(', ')
}
