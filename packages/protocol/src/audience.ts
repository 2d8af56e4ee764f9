import { meetsRules, type ToldAttributes } from './attribute-rules.ts'
import { isInPercentage, sliceBucketOf } from './buckets.ts'
import type { AudienceSlice, CompiledRollout } from './catalog.ts'
import type { Device } from './device.ts'

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
  if (device.id === null) return isForEveryone(rollout) ? 'percentage' : 'anonymous'
  const { forcedDevices, compiledRules, namedCohorts, percentage, salt = rollout.id, buckets, slice } = rollout.audience
  if (forcedDevices.has(device.id)) return 'forced-device'
  if (compiledRules.length > 0) {
    subject.told ??= new Map()
    if (!meetsRules(compiledRules, device, subject.told)) return 'attributes-differ'
  }
  const isInCohort = namedCohorts.size > 0 && device.cohorts.some((cohort) => namedCohorts.has(cohort))
  if (!isInCohort && !isInPercentage(percentage, salt, device.id, buckets)) return 'outside-audience'
  if (slice !== null && !isInSlice(slice, device.id)) return 'other-arm'
  return isInCohort ? 'cohort' : 'percentage'
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
function isInSlice({ salt, from, to }: AudienceSlice, deviceId: string): boolean {
  const bucket = sliceBucketOf(salt, deviceId)
  return bucket >= from && bucket < to
}
