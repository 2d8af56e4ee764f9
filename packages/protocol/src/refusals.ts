import { placementsOf, type CompiledCatalog, type CompiledRollout } from './catalog.ts'
import { MAX_SEQUENCE_STEP, type DeviceTrust } from './device-trust.ts'
import type { Device } from './device.ts'

/** D11: why a device would refuse what a rollout places. */
export const REFUSAL_REASONS = [
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
 * D11: what Engine §4 says of the rollout's target on this device, apart from what other rules judge. What the device
 * runs it need not take. Written so that what is no number is refused.
 */
export function refusalReason(
  rollout: CompiledRollout,
  { trust, currentReleaseId }: Device,
): RefusalReason | undefined {
  if (!trust || rollout.releaseId === currentReleaseId) return undefined
  const { keyIds } = trust
  if (rollout.target === 'embedded') {
    const isStated = keyIds.length > 0 && rollout.restated !== null
    return isStated ? refusesStatement(rollout, trust) : refusesPlainEmbedded(trust)
  }
  return keyIds.length === 0 ? undefined : refusesStatement(rollout, trust)
}

/** Engine §4: the server alone may send devices to embedded only while no floor is set. */
export function refusesPlainEmbedded({ floor }: DeviceTrust): RefusalReason | undefined {
  return floor === 0 ? undefined : 'below-device-floor'
}

function refusesStatement(rollout: CompiledRollout, trust: DeviceTrust): RefusalReason | undefined {
  const { statementKeyId, bundleKeyId, sequence, target } = rollout
  const { keyIds, floor, highWater, heldReleaseId } = trust
  if (statementKeyId === null) return 'not-signed'
  if (target !== 'embedded') {
    if (bundleKeyId === null) return 'not-signed'
    if (!keyIds.includes(bundleKeyId)) return 'key-not-trusted'
  }
  if (!keyIds.includes(statementKeyId)) return 'key-not-trusted'
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
  { index, nextKind, nextKeys, nextNewer, highestSequence }: CompiledRollout,
  reason: RefusalReason | 'kind-not-taken',
  { trust, currentReleaseId }: Device,
): number {
  if (reason === 'kind-not-taken') return Math.min(nextKind, nextPlacement(catalog, currentReleaseId, index))
  if (!trust || trust.keyIds.length === 0) return index + 1
  let next = index + 1
  if (reason === 'key-not-trusted' || reason === 'not-signed') next = nextKeys
  else if (reason === 'older-than-binary') next = nextNewer
  else if (highestSequence < Math.max(trust.highWater, trust.floor)) next = catalog.rollouts.length
  if (next === index + 1) return next
  return Math.min(
    next,
    nextPlacement(catalog, null, index),
    nextPlacement(catalog, currentReleaseId, index),
    nextPlacement(catalog, trust.heldReleaseId, index),
  )
}

function nextPlacement(catalog: CompiledCatalog, releaseId: string | null, index: number): number {
  return (
    placementsOf(catalog, releaseId).find((placement) => placement.index > index)?.index ?? Number.POSITIVE_INFINITY
  )
}
