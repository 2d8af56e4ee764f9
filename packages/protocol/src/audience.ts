import { meetsRules, type ToldAttributes } from './attribute-rules.ts'
import { isInPercentage, sliceBucketOf } from './buckets.ts'
import type { AudienceSlice, CompiledRollout } from './catalog.ts'
import type { Device } from './device.ts'
import { readNumericCohort } from './hot-updater/cohorts.ts'

/** D5: why a device is in the audience. */
export type InsideReason = 'forced-device' | 'cohort' | 'percentage'

/** D5: why a device is not in the audience. */
export type OutsideReason = 'attributes-differ' | 'outside-audience' | 'other-arm' | 'anonymous'

/** The device of one check. */
export interface AudienceSubject {
  device: Device
  /** What attribute rules have asked for so far. */
  told: ToldAttributes | undefined
}

/** D5. Why the device is in the audience, or why it is not. */
export function audienceReason(rollout: CompiledRollout, subject: AudienceSubject): InsideReason | OutsideReason {
  const { device } = subject
  const drawnBy = drawnByOf(device)
  if (drawnBy === null) return isForEveryone(rollout) ? 'percentage' : 'anonymous'
  const { forcedDevices, compiledRules, namedCohorts, slice } = rollout.audience
  if (device.id !== null && forcedDevices.has(device.id)) return 'forced-device'
  if (compiledRules.length > 0) {
    subject.told ??= new Map()
    if (!meetsRules(compiledRules, device, subject.told)) return 'attributes-differ'
  }
  const isInCohort = namedCohorts.size > 0 && device.cohorts.some((cohort) => namedCohorts.has(cohort))
  if (!isInCohort && !isDrawn(rollout, drawnBy, device)) return 'outside-audience'
  if (slice !== null && !isInSlice(slice, drawnBy)) return 'other-arm'
  return isInCohort ? 'cohort' : 'percentage'
}

/** D5. By what percentages and slices draw a device; null: it is in none that is not everybody. */
export function drawnByOf({ id, attributes }: Pick<Device, 'id' | 'attributes'>): string | null {
  return attributes?.rolloutCohort || id
}

/** A rollout cohort with a name is in no percentage but all. */
function isDrawn({ id, audience }: CompiledRollout, drawnBy: string, { attributes }: Device): boolean {
  const { percentage, salt = id, buckets } = audience
  const isNamed = Boolean(attributes?.rolloutCohort) && readNumericCohort(drawnBy) === undefined
  return isNamed ? percentage >= 100 : isInPercentage(percentage, salt, drawnBy, buckets)
}

export function isOutside(reason: string | undefined): reason is OutsideReason {
  return (
    reason === 'outside-audience' || reason === 'attributes-differ' || reason === 'other-arm' || reason === 'anonymous'
  )
}

/** D5. Whoever asks is in: nothing has to be known of a device. */
export function isForEveryone({ audience }: CompiledRollout): boolean {
  return audience.percentage >= 100 && audience.rules.length === 0 && audience.slice === null
}

/** Decision §12. */
function isInSlice({ salt, from, to }: AudienceSlice, drawnBy: string): boolean {
  const bucket = sliceBucketOf(salt, drawnBy)
  return bucket >= from && bucket < to
}
