import { vi } from 'vitest'

/** For what never comes. What comes takes milliseconds on an idle machine, and no test says how long on a busy one. */
const GIVE_UP_MS = 120_000

/** Asks until it is so, and gives what it then was. */
export function eventually<Result>(check: () => Result | Promise<Result>, { everyMs = 20 } = {}): Promise<Result> {
  return vi.waitFor(check, { timeout: GIVE_UP_MS, interval: everyMs })
}
