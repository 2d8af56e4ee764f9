import { problem } from '@hotpatch/protocol'

export const SECOND_MS = 1_000
export const MINUTE_MS = 60 * SECOND_MS
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

/** Time, as the server takes it: tests pass their own. */
export interface Clock {
  /** Milliseconds since 1970, by a clock that people and networks set: for stamps, and for what is stored. */
  now(): number
  /** Milliseconds since some moment, by a clock that nobody sets. Left out where nobody sets the other one either. */
  elapsed?(): number
}

export const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() }

/** For whatever this process waits for or bounds: a clock that is set back a day must not make a second a day. */
export function elapsedOn(clock: Clock): number {
  return clock.elapsed?.() ?? clock.now()
}

/** Timers, as the server takes them: tests pass their own. */
export interface Timers {
  after(delayMs: number, run: () => void): CancelTimer
}
export type CancelTimer = () => void

export const systemTimers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

/**
 * @param text matches `date-time`, which admits leap seconds that no clock here has
 * @throws problem invalid-request
 */
export function readTimestamp(text: string, name: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw problem('invalid-request', `${name}: expected a time, found "${text}".`)
  return time
}

/** The API's form of a stored time. */
export function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

export function nullableTimestamp(milliseconds: number | null): string | null {
  return milliseconds === null ? null : timestamp(milliseconds)
}
