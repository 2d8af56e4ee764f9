import type { DeviceFacts } from '../actors/population.ts'
import type { Invariant } from '../findings.ts'
import type { Attempt, Ledger } from '../ledger.ts'

/** What a server says, as far as it matters here. */
export interface Offer {
  updateAvailable: boolean
  releaseId: string
  version: string
  hash: string
  sizeBytes: number
  statement: string | null
}

export interface Judged {
  invariant: Invariant
  holds: boolean
  detail: string
}

/** A server hears of a change at once, or looks for it every 5 seconds. */
export const HEARD_WITHIN_MS = 10_000

/**
 * Whether a device may be offered this, by all that was acknowledged when it asked.
 * @param failedAt when the server was told that the release failed on this device
 */
export function judgeOffer(
  offer: Offer,
  device: DeviceFacts,
  { app, ledger, askedAt, failedAt }: { app: string; ledger: Ledger; askedAt: number; failedAt: number | undefined },
): { judged: Judged[]; attempt: Attempt | undefined; sequence: number } {
  const attempt = ledger.findAttempt(app, device.platform, offer.version)
  const sequence = sequenceOf(offer.statement)
  const about = `${offer.version} (${offer.releaseId}) to ${device.id}`
  const isWhole =
    attempt !== undefined &&
    attempt.sha256 === offer.hash &&
    attempt.sizeBytes === offer.sizeBytes &&
    (attempt.releaseId ?? offer.releaseId) === offer.releaseId
  const judged: Judged[] = [
    {
      invariant: 'offer-is-whole',
      holds: isWhole && sequence > 0,
      detail: `Offered ${about}: ${JSON.stringify({ ...offer, statement: sequence })}, published ${JSON.stringify(attempt)}.`,
    },
    {
      invariant: 'high-water',
      holds: sequence >= device.highestSequence,
      detail: `Offered ${about} with sequence ${sequence}, which has had ${device.highestSequence}.`,
    },
    {
      invariant: 'stopped-not-offered',
      holds: isInForce(offer.releaseId, device, ledger, askedAt),
      detail: `Offered ${about}, whose rollouts are ${JSON.stringify(ledger.rolloutsOf(offer.releaseId))} at ${askedAt}.`,
    },
  ]
  if (failedAt !== undefined) {
    judged.push({
      invariant: 'failed-not-again',
      holds: askedAt < failedAt + HEARD_WITHIN_MS,
      detail: `Offered ${about}, which said ${Math.round(askedAt - failedAt)} ms before that it fails.`,
    })
  }
  return { judged, attempt, sequence }
}

/** Of its platform and channel. One of which nothing was acknowledged yet may be in force. */
function isInForce(releaseId: string, { platform, channel }: DeviceFacts, ledger: Ledger, askedAt: number): boolean {
  const all = ledger.rolloutsOf(releaseId)
  if (all.length === 0 || ledger.isBeingPlaced(releaseId, channel)) return true
  return all.some(
    (rollout) =>
      rollout.platform === platform &&
      rollout.channel === channel &&
      (rollout.isUnsure || rollout.state === 'active' || rollout.since + HEARD_WITHIN_MS > askedAt),
  )
}

/** 0 when there is no statement: nothing is published without one. */
function sequenceOf(statement: string | null): number {
  if (statement === null) return 0
  const { sequence } = JSON.parse(Buffer.from(statement, 'base64').toString()) as { sequence?: number }
  return sequence ?? 0
}
