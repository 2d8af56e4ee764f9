import type { Why } from './journal-record.ts'

/** How an apply that was begun has ended, for now or for good. */
export type EndedApply =
  | {
      kind: 'committed'
      transaction: string
      releaseId: string
      /** Of what comes after the commit: it stays as it was, and the rest is new. */
      failed: readonly Why[]
      /** What the next start has to finish; undefined when everything is done. */
      unfinished: Why | undefined
    }
  | {
      kind: 'reverted'
      transaction: string
      releaseId: string
      why: Why
      /** Components that are what they were, and of which it is not certain that they run. */
      unwell: readonly string[]
    }
  /** Could not be taken back: people have to look. */
  | { kind: 'stuck'; transaction: string; releaseId: string; why: Why; advice: string }

export type ApplyOutcome = EndedApply | { kind: 'nothing-to-do' }

export type RecoveryOutcome = EndedApply | { kind: 'nothing-open' }
