import { DEFAULT_CHANNEL } from '@hotpatch/api'
import { MAX_SEQUENCE_STEP, type CompiledRollout, type DeviceTrust, type RefusalReason } from '@hotpatch/protocol'
import { timestamp } from '../../ground/clock.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'

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

/** D11, with the numbers and keys that it follows from. */
export function describeRefusal(reason: RefusalReason, rollout: Refused, trust: DeviceTrust): string {
  const { highWater, floor, keyIds } = trust
  const name = nameOf(rollout)
  switch (reason) {
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
export function waysOut(reason: RefusalReason, rollout: Refused, trust: DeviceTrust, place: RefusalPlace): string[] {
  switch (reason) {
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

/** D6: nothing fits, what runs was taken back, and the device's floor keeps it from embedded. */
export function keptFromEmbedded({ floor }: DeviceTrust, place: RefusalPlace) {
  return {
    explanation:
      `What it runs was taken back, but the device has taken a publisher's floor (${floor}), and goes to what its ` +
      'binary shipped with only when that is signed.',
    waysOut: [`Sign it: hotpatch rollback --to embedded${whereOf(place)}`],
  }
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

function rollBack({ target }: Refused, place: RefusalPlace): string {
  const to = target === 'embedded' ? '--to embedded' : `--version ${target.version}`
  return `hotpatch rollback ${to}${whereOf(place)}`
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
