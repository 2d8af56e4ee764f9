import { problem } from '@hotpatch/protocol'

/** Time, as the server takes it: tests pass their own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

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
