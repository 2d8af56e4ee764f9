const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Before each attempt after the first, as Standard Webhooks suggests: ten attempts within a little more than three days. */
const DELAYS_MS = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
/** Each wait is up to so much longer, so that receivers are not asked by everybody at once when they are back. */
const JITTER = 0.2
const MAX_RETRY_AFTER_MS = 24 * HOUR

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
  const waitMs = isSeconds ? Number(text) * SECOND : Date.parse(text) - now
  return waitMs > 0 ? waitMs : undefined
}
