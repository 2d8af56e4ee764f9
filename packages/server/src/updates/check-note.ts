import type { Platform } from '@hotpatch/protocol'
import type { CheckNote, Proof } from '../fleet/recording/device-report.ts'
import type { DirectoryEntry } from './catalog-queries.ts'
import type { UpdateAnswer } from './update-service.ts'

/**
 * What a check told, for the fleet: the same for every dialect.
 * @param at when it was answered
 */
export function checkNoteOf(
  place: {
    app: Pick<DirectoryEntry, 'id' | 'observedMs'>
    platform: Platform
    channel: string
    dialect: string
    network: string | null
    proof: Proof | undefined
  },
  answer: UpdateAnswer,
  at: number,
): CheckNote {
  const { decision, device, currentVersion, rolloutId, rolloutStartedAt, isOffer, claimedCohorts } = answer
  return {
    appId: place.app.id,
    deviceId: device.id,
    platform: place.platform,
    channel: place.channel,
    nativeVersion: device.nativeVersion,
    runtimeVersion: device.runtimeVersion,
    attributes: device.attributes,
    dialect: place.dialect,
    trust: device.trust,
    currentReleaseId: device.currentReleaseId,
    currentVersion,
    cohorts: claimedCohorts,
    decision: decision.kind,
    reason: decision.reason,
    rolloutId,
    isOffer,
    rolloutStartedAt,
    network: place.network,
    observedMs: place.app.observedMs,
    proof: place.proof,
    at,
  }
}
