import type { ClockPort } from '@hotpatch/device-ground'
import type { CheckOutcome } from './check-outcome.ts'
import { CHECK_INTERVAL_MS, OFFLINE_INTERVAL_MS } from './check-times.ts'

export interface StartOptions {
  /** Before the first check, where nothing tells when people see something. */
  firstAfterMs?: number
}

const FIRST_AFTER_MS = 3_000
/** However wrong a clock is, nothing runs in a circle. */
const LEAST_WAIT_MS = 60_000
/** Of a wait, so that what was started together does not ask together for ever. */
const JITTER = 0.1

/** Kits §6: checks for as long as something runs, which may be for years. */
export function startChecking(
  checks: { check(): Promise<CheckOutcome> },
  { clock, whenPainted }: { clock: ClockPort; whenPainted?(run: () => void): () => void },
  { firstAfterMs = FIRST_AFTER_MS }: StartOptions = {},
): () => void {
  let isStopped = false
  let cancel = whenPainted ? whenPainted(run) : clock.after(firstAfterMs, run)

  function run(): void {
    void checks.check().then((outcome) => {
      if (!isStopped) cancel = clock.after(waitAfter(outcome, clock), run)
    })
  }

  return () => {
    isStopped = true
    cancel()
  }
}

function waitAfter(outcome: CheckOutcome, clock: Pick<ClockPort, 'now' | 'random'>): number {
  const wait = outcome.kind === 'check_skipped' ? waitAfterSkip(outcome, clock.now()) : CHECK_INTERVAL_MS
  return Math.min(Math.max(wait, LEAST_WAIT_MS), CHECK_INTERVAL_MS) * (1 + JITTER * clock.random())
}

function waitAfterSkip({ until }: Extract<CheckOutcome, { kind: 'check_skipped' }>, now: number): number {
  return until === undefined ? OFFLINE_INTERVAL_MS : until - now
}
