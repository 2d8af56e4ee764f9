import type { ClockPort } from '@hotpatch/client'

export interface CheckRhythm {
  intervalMs: number
  /** After a check that failed: twice as long each time, and never longer than the interval. */
  retryMs: number
}

/** Whether it failed, and then how long the server wants to be left alone. */
export type CheckEnd = { failed: false } | { failed: true; retryAfterMs: number | null }

/**
 * Checks now and then, until the returned function is called. Every wait is random by a fifth, so that a fleet that was
 * started together does not stay together.
 */
export function startBackgroundChecks(
  clock: ClockPort,
  { intervalMs, retryMs }: CheckRhythm,
  check: () => Promise<CheckEnd>,
): () => void {
  let failures = 0
  let isStopped = false
  let cancel = () => {}

  function waitFor(ms: number): void {
    cancel = clock.after(ms * (0.9 + clock.random() * 0.2), () => void run())
  }

  async function run(): Promise<void> {
    const end = await check()
    if (isStopped) return
    failures = end.failed ? failures + 1 : 0
    const retry = Math.min(intervalMs, retryMs * 2 ** Math.min(failures - 1, 20))
    waitFor(end.failed ? Math.max(retry, (end.retryAfterMs ?? 0) / 0.9) : intervalMs)
  }

  waitFor(intervalMs)
  return () => {
    isStopped = true
    cancel()
  }
}
