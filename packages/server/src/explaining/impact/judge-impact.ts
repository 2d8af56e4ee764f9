import {
  binaryOn,
  isNewerBinary,
  isTakenBack,
  parseNativeVersion,
  placementsOf,
  refusalReason,
  refusesPlainEmbedded,
  takesAll,
  type CompiledRollout,
  type Device,
  type RefusalReason,
} from '@hotpatch/protocol'
import type { SampledDevice } from '../../fleet/devices/device-queries.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { LiveCatalog } from '../../updates/catalogs.ts'
import type { DeviceImpact, Wanted } from './impact-tally.ts'
import { checkOf } from '../known-devices/known-devices.ts'
import type { UpdateAnswer, UpdateCheck } from '../../updates/update-service.ts'

/** A catalog as it is, and as a change would make it. */
export interface Scene {
  before: LiveCatalog
  after: LiveCatalog
}

type Answer = (catalog: LiveCatalog, check: UpdateCheck, options?: { willing: boolean }) => UpdateAnswer

/** Where a device ends: on what it is offered, or on what it runs. */
function endOf({ decision, device }: UpdateAnswer): string | null {
  if (decision.kind === 'update') return decision.release.id
  return decision.kind === 'embedded' ? null : device.currentReleaseId
}

function isOffer({ decision }: UpdateAnswer): boolean {
  return decision.kind === 'update' || decision.kind === 'embedded'
}

export function judgeImpact(scene: Scene, sampled: SampledDevice, answer: Answer, now: number): DeviceImpact {
  const check = checkOf(sampled)
  const before = answer(scene.before, check)
  const after = answer(scene.after, check)
  const refusal = refusalOf(scene.after, check, after, answer)
  const { decision } = after
  return {
    from: endOf(before),
    to: endOf(after),
    fromVersion: versionOf(scene.before, endOf(before)),
    toVersion: versionOf(scene.after, endOf(after)),
    goesBack: isOffer(after) && 'direction' in decision && decision.direction === 'back',
    refuses: refusal?.reason,
    wants: refusal?.wants,
    isStranded: isStranded(scene.after, after, refusal !== undefined, now),
    isStrandedNow: isStranded(scene.before, before, refusalOf(scene.before, check, before, answer) !== undefined, now),
    isDropped: refusal !== undefined && decision.kind === 'embedded' && decision.rollout === null,
    isUntold: check.trust === undefined,
  }
}

function versionOf(catalog: LiveCatalog, releaseId: string | null): string | null {
  if (releaseId === null) return null
  const target = placementsOf(catalog, releaseId)[0]?.target
  return target === undefined || target === 'embedded' ? releaseId : target.version
}

/** What the device would get if it refused nothing, where it does not get that, and why. */
function refusalOf(
  catalog: LiveCatalog,
  check: UpdateCheck,
  gets: UpdateAnswer,
  answer: Answer,
): { reason: RefusalReason; wants: Wanted } | undefined {
  const { device } = gets
  if (check.trust === undefined && takesAll(device, catalog) && !catalog.kinds.has('binary')) return undefined
  const willing = answer(catalog, check, { willing: true })
  const { decision } = willing
  if (!isOffer(willing) || endOf(willing) === endOf(gets)) return undefined
  if (decision.kind !== 'update' && decision.kind !== 'embedded') return undefined
  const { rollout } = decision
  const reason = rollout
    ? (refusalReason(rollout, device, catalog) ?? goesForwardOnly(catalog, rollout, device))
    : refusesPlainEmbedded(device, catalog)
  if (reason === undefined) return undefined
  const release: OfferedRelease | null = decision.kind === 'update' ? decision.release : null
  return {
    reason,
    wants: { key: release?.id ?? 'embedded', release, percentage: rollout?.audience.percentage ?? 100 },
  }
}

/** What is as new as what the device has already, it has, and does not refuse. */
function goesForwardOnly(catalog: LiveCatalog, { binary }: CompiledRollout, device: Device): 'not-newer' | undefined {
  if (!binary) return undefined
  const { nativeVersion } = device
  const own = binaryOn(catalog, device, nativeVersion === undefined ? undefined : parseNativeVersion(nativeVersion))
  return own && isNewerBinary(own, binary) ? 'not-newer' : undefined
}

/** Every new installation runs embedded: there it is only who would get something else and refuses it. */
function isStranded(catalog: LiveCatalog, gets: UpdateAnswer, refuses: boolean, now: number): boolean {
  if (isOffer(gets)) return false
  const runs = gets.device.currentReleaseId
  return isTakenBack(catalog, runs, now) && (runs !== null || refuses)
}
