import { placementsOf, type CompiledCatalog, type CompiledRollout } from './catalog.ts'
import {
  lackingComponent,
  refusedForms,
  takesBinary,
  takesPlain,
  type ClientTakes,
  type TakenForm,
} from './client-takes.ts'
import { MAX_SEQUENCE_STEP, type DeviceTrust } from './device-trust.ts'
import type { Device } from './device.ts'
import { pickAnswer, type SignedAnswer } from './signed-answers.ts'

/** D11: why a device would refuse what a rollout places, or cannot take it. */
export const REFUSAL_REASONS = [
  'kind-not-taken',
  'form-not-taken',
  'encryption-not-taken',
  'decryption-key-not-held',
  'list-not-held',
  'built-before-binary',
  'embedded-not-taken',
  'answer-not-signed',
  'not-newer',
  'below-high-water',
  'below-device-floor',
  'key-not-trusted',
  'not-signed',
  'sequence-too-far',
  'older-than-binary',
] as const

export type RefusalReason = (typeof REFUSAL_REASONS)[number]

const NAMES: ReadonlySet<string> = new Set(REFUSAL_REASONS)

export function isRefusalReason(reason: string): reason is RefusalReason {
  return NAMES.has(reason)
}

/**
 * D11, but for what decides between whole binaries (`decide`). What the device runs it need not take.
 * @param takes null: of what its client takes nothing needs to be asked
 */
export function refusalReason(
  rollout: CompiledRollout,
  device: Device,
  catalog: Partial<Pick<CompiledCatalog, 'embeddedAnswers'>>,
  takes: ClientTakes | null | undefined = device.takes,
): RefusalReason | undefined {
  if (rollout.releaseId === device.currentReleaseId) return undefined
  // Of a client that nobody knows, nobody knows that it decrypts, either.
  if (takes === undefined && !takesForm(rollout, ['plain'])) return 'encryption-not-taken'
  if (takes) {
    const reason = untakenReason(rollout, takes)
    if (reason) return reason
    const answers = rollout.target === 'embedded' ? catalog.embeddedAnswers : rollout.target.answers
    if (lacksAnswer(answers, takes, device)) return 'answer-not-signed'
  }
  return distrustReason(rollout, device)
}

function lacksAnswer(
  answers: readonly SignedAnswer[] | undefined,
  { answersSignedBy: keyId }: ClientTakes,
  device: Pick<Device, 'heldAt' | 'runtimeVersion'>,
): boolean {
  return keyId !== undefined && !pickAnswer(answers, keyId, device)
}

/** Of whatever the client is told, whoever signed it. */
export function untakenReason({ target, kind }: CompiledRollout, takes: ClientTakes): RefusalReason | undefined {
  if (target === 'embedded') return takes.embedded ? undefined : 'embedded-not-taken'
  if (kind !== null && !takes.kinds.includes(kind)) return 'kind-not-taken'
  const untaken = refusedForms(target, takes.forms)
  if (untaken) return untaken
  if (takes.exports && target.exportedBy !== takes.exports) return 'form-not-taken'
  if (takes.buildsFrom && target.buildId && target.buildId < takes.buildsFrom) return 'built-before-binary'
  if (kind === 'files' && takes.listed && !target.held?.files) return 'list-not-held'
  const { binaries, version, components } = target
  if (components && takes.components && lackingComponent(components, takes.components)) return 'form-not-taken'
  return !binaries || !takes.binaries || takesBinary({ binaries, version }, takes.binaries)
    ? undefined
    : 'form-not-taken'
}

function takesForm({ target }: CompiledRollout, forms: readonly TakenForm[]): boolean {
  return target === 'embedded' || refusedForms(target, forms) === undefined
}

/** Whether no rollout of the catalog can be one that the client cannot take: then none is asked for it. */
export function takesAll({ takes }: Device, catalog: CompiledCatalog): boolean {
  if (catalog.hasEncrypted) return false
  if (!takes) return true
  if (!takesPlain(takes) || (!takes.embedded && catalog.byRelease.has(null))) return false
  if (takes.answersSignedBy !== undefined) return false
  if (takes.exports !== undefined || takes.buildsFrom !== undefined) return false
  if (takes.binaries && catalog.kinds.has('binary')) return false
  if (takes.components && catalog.kinds.has('kit')) return false
  if (takes.listed && catalog.kinds.has('files')) return false
  for (const kind of catalog.kinds) if (!takes.kinds.includes(kind)) return false
  return true
}

/** Whether sequences count for it: it takes nothing unsigned, or holds keys. */
function wantsStatements({ trust, takes }: Pick<Device, 'takes' | 'trust'>): boolean {
  return takes?.unsigned === false || (trust?.keyIds.length ?? 0) > 0
}

/** What Engine §4 says of the rollout's target. Written so that what is no number is refused. */
function distrustReason(rollout: CompiledRollout, device: Device): RefusalReason | undefined {
  const { trust } = device
  const isStated = wantsStatements(device)
  if (rollout.target !== 'embedded') return isStated ? refusesStatement(rollout, trust) : undefined
  if (!trust) return undefined
  return isStated && rollout.restated !== null ? refusesStatement(rollout, trust) : refusesUnstatedEmbedded(trust)
}

/** D6, D11: whether a device can be sent to embedded by no rollout at all. */
export function refusesPlainEmbedded(
  device: Pick<Device, 'takes' | 'trust' | 'heldAt' | 'runtimeVersion'>,
  { embeddedAnswers }: Pick<CompiledCatalog, 'embeddedAnswers'>,
): RefusalReason | undefined {
  const { takes, trust } = device
  if (takes && !takes.embedded) return 'embedded-not-taken'
  if (takes && lacksAnswer(embeddedAnswers, takes, device)) return 'answer-not-signed'
  return trust && refusesUnstatedEmbedded(trust)
}

/** Engine §4: the server alone may send devices to embedded only while no floor is set. */
function refusesUnstatedEmbedded({ floor }: DeviceTrust): RefusalReason | undefined {
  return floor === 0 ? undefined : 'below-device-floor'
}

/** @param trust undefined, or without keys: of who does not tell theirs, and takes nothing unsigned */
function refusesStatement(rollout: CompiledRollout, trust: DeviceTrust | undefined): RefusalReason | undefined {
  const { statementKeyId, bundleKeyId, target } = rollout
  if (statementKeyId === null) return 'not-signed'
  if (target !== 'embedded' && bundleKeyId === null) return 'not-signed'
  if (!trust) return undefined
  const { keyIds } = trust
  const signers = target === 'embedded' ? [statementKeyId] : [bundleKeyId, statementKeyId]
  const isForeign = keyIds.length > 0 && signers.some((keyId) => keyId !== null && !keyIds.includes(keyId))
  return isForeign ? 'key-not-trusted' : refusesSequence(rollout, trust)
}

function refusesSequence(rollout: CompiledRollout, trust: DeviceTrust): RefusalReason | undefined {
  const { sequence } = rollout
  const { floor, highWater, heldReleaseId } = trust
  if (!(sequence >= floor)) return 'below-device-floor'
  if (!(sequence >= highWater)) {
    const isHeld = rollout.releaseId !== null && rollout.releaseId === heldReleaseId
    return isHeld ? undefined : 'below-high-water'
  }
  if (!(sequence - highWater <= MAX_SEQUENCE_STEP)) return 'sequence-too-far'
  return isOlderThanBinary(rollout, trust) ? 'older-than-binary' : undefined
}

/** Engine §4: only what says nothing of the binaries that it is for is judged by its time. */
function isOlderThanBinary({ target, requirement, statedAt }: CompiledRollout, { builtAt }: DeviceTrust): boolean {
  if (target === 'embedded' || requirement || statedAt === null) return false
  return typeof builtAt === 'number' && statedAt < builtAt
}

/**
 * Index of the next rollout below that D11 may not refuse. A device can tell a high-water mark above everything, or a
 * key that nobody has: that must not cost a look at every rollout of the past.
 */
export function nextTakeable(
  catalog: CompiledCatalog,
  { index, nextKind, nextHigher, nextKeys, nextNewer, highestSequence }: CompiledRollout,
  reason: RefusalReason,
  device: Device,
): number {
  const { trust, currentReleaseId, takes } = device
  // Which lists are held changes while the catalog stays.
  if (reason === 'embedded-not-taken' || reason === 'list-not-held') return index + 1
  if (reason === 'answer-not-signed') {
    const isKnown = catalog.answerKeys?.has(takes?.answersSignedBy ?? '') ?? false
    return isKnown ? index + 1 : Math.min(catalog.rollouts.length, nextPlacement(catalog, currentReleaseId, index))
  }
  if (reason === 'kind-not-taken') return Math.min(nextKind, nextPlacement(catalog, currentReleaseId, index))
  if (reason === 'not-newer') return Math.min(nextHigher, nextPlacement(catalog, currentReleaseId, index))
  if (reason === 'built-before-binary') {
    const next = catalog.nextBuild?.[index] ?? index + 1
    return Math.min(next, nextPlacement(catalog, currentReleaseId, index))
  }
  if (reason === 'form-not-taken' || reason === 'encryption-not-taken' || reason === 'decryption-key-not-held') {
    const { rollouts, nextForm } = catalog
    // Where nothing is encrypted, whoever wants it so takes no release at all.
    const next = nextForm?.[index] ?? Math.min(rollouts.length, nextPlacement(catalog, null, index))
    return Math.min(next, nextPlacement(catalog, currentReleaseId, index))
  }
  if (!wantsStatements(device)) return index + 1
  let next = index + 1
  if (reason === 'key-not-trusted' || reason === 'not-signed') next = nextKeys
  else if (reason === 'older-than-binary') next = nextNewer
  else if (trust && highestSequence < Math.max(trust.highWater, trust.floor)) next = catalog.rollouts.length
  if (next === index + 1) return next
  return Math.min(
    next,
    nextPlacement(catalog, null, index),
    nextPlacement(catalog, currentReleaseId, index),
    nextPlacement(catalog, trust?.heldReleaseId ?? null, index),
  )
}

function nextPlacement(catalog: CompiledCatalog, releaseId: string | null, index: number): number {
  return (
    placementsOf(catalog, releaseId).find((placement) => placement.index > index)?.index ?? Number.POSITIVE_INFINITY
  )
}
