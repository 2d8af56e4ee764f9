import type { CheckRecord } from './check-record.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Kits §6: how often, and for how long. */
export const CHECK_INTERVAL_MS = DAY_MS
/** Nobody was asked: sooner again than after an answer, and not at every start of something that starts often. */
export const OFFLINE_INTERVAL_MS = HOUR_MS
export const SNOOZE_MS = 7 * DAY_MS
/** What is required can be put off, and not for long. */
export const SNOOZE_REQUIRED_MS = DAY_MS
/** What networks set a clock back by. A time further in the future is of a clock that was wrong: it holds nothing up. */
const CLOCK_TOLERANCE_MS = 5 * 60_000

/** Until when nobody is asked who did not want it; undefined: now is as good as later. */
export function throttledUntil(record: CheckRecord, now: number): number | undefined {
  const untils = [
    endOf(record.lastCheckAt, CHECK_INTERVAL_MS, now),
    endOf(record.offlineAt, OFFLINE_INTERVAL_MS, now),
  ].filter((until) => until !== undefined)
  return untils.length === 0 ? undefined : Math.max(...untils)
}

/** Until when people are not to be told of this release again. */
export function snoozedUntil(
  { snoozed }: CheckRecord,
  release: { releaseId: string; isRequired: boolean },
  now: number,
): number | undefined {
  if (snoozed?.releaseId !== release.releaseId) return undefined
  return endOf(snoozed.at, release.isRequired ? SNOOZE_REQUIRED_MS : SNOOZE_MS, now)
}

/** Of something that began and takes so long; undefined when it is over, or begins in a future that the clock made up. */
function endOf(beganAt: number | undefined, lengthMs: number, now: number): number | undefined {
  if (beganAt === undefined || beganAt > now + CLOCK_TOLERANCE_MS) return undefined
  const end = beganAt + lengthMs
  return now < end ? end : undefined
}
