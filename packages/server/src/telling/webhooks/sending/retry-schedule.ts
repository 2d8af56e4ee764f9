import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../ground/clock.ts'

/** Before each attempt after the first, as Standard Webhooks suggests: ten attempts within a little more than three days. */
const DELAYS_MS = [
  5 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
]
/** Each wait is up to so much longer, so that receivers are not asked by everybody at once when they are back. */
const JITTER = 0.2
const MAX_RETRY_AFTER_MS = 24 * HOUR_MS

/**
 * How long to wait in milliseconds; undefined when there is no further attempt.
 * @param attempts that have been made
 * @param random from 0 to 1
 * @param retryAfterMs what the receiver asked for: never sooner, but within a day
 */
export function delayAfter(attempts: number, random: number, retryAfterMs = 0): number | undefined {
  const delay = DELAYS_MS[attempts - 1]
  if (delay === undefined) return undefined
  return Math.round(Math.max(delay * (1 + JITTER * random), Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)))
}

/** RFC 9110: seconds, or a date. Undefined when it is neither, or has passed. */
export function readRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined
  const isSeconds = /^\d{1,9}$/.test(text)
  // Date.parse alone would make a date of nearly anything.
  if (!isSeconds && !text.endsWith(' GMT')) return undefined
  const waitMs = isSeconds ? Number(text) * SECOND_MS : Date.parse(text) - now
  return waitMs > 0 ? waitMs : undefined
}
