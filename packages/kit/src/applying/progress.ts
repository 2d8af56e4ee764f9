import { KitError } from '../ground/kit-error.ts'
import type { JournalRecord, StepOfComponent, Why } from './journal-record.ts'
import { KIT_TRANSITIONS, type KitState } from './kit-states.ts'

/** How far an apply came, by its journal alone. */
export interface Progress {
  releaseId: string
  sequence: number
  planSha256: string
  state: KitState
  steps: ReadonlyMap<string, readonly StepOfComponent[]>
  /** Why it is taken back; undefined while it is not, or was killed. */
  why: Why | undefined
  /** Why it could not be taken back. */
  whyStuck: Why | undefined
  /** Tries of taking it back that have failed, since people have last looked. */
  failedTries: number
  /** How often taking it back, or staging, was begun, since people have last looked: whoever kills that is bounded too. */
  begunTries: number
  unwell: readonly string[]
}

/** @throws KitError journal-damaged where one record does not follow from those before it */
export function progressOf(records: readonly JournalRecord[]): Progress {
  const [first, ...others] = records
  if (first?.kind !== 'planned') throw outOfOrder('a plan at its beginning', first)
  const steps = new Map<string, StepOfComponent[]>()
  const progress: Progress = {
    releaseId: first.releaseId,
    sequence: first.sequence,
    planSha256: first.planSha256,
    state: 'planned',
    steps,
    why: undefined,
    whyStuck: undefined,
    failedTries: 0,
    begunTries: 0,
    unwell: [],
  }
  for (const record of others) advance(progress, steps, record)
  return progress
}

function advance(progress: Progress, steps: Map<string, StepOfComponent[]>, record: JournalRecord): void {
  switch (record.kind) {
    case 'planned':
      throw outOfOrder('one plan', record)
    case 'try-failed':
      progress.failedTries += 1
      return
    case 'component':
      steps.set(record.component, [...(steps.get(record.component) ?? []), record.step])
      return
    case 'state': {
      const next = KIT_TRANSITIONS[progress.state][record.by]
      if (next !== record.state) throw outOfOrder(`${next} after ${progress.state} (${record.by})`, record)
      enter(progress, record)
    }
  }
}

function enter(progress: Progress, { state, by, why, unwell }: Extract<JournalRecord, { kind: 'state' }>): void {
  const isLookedAt = progress.state === 'stuck' && by === 'done'
  if (isLookedAt) Object.assign(progress, { failedTries: 0, begunTries: 0, whyStuck: undefined })
  if (state === 'reverting' || (state === 'staging' && by === 'killed')) progress.begunTries += 1
  if (state === 'stuck') progress.whyStuck = why
  else if (why) progress.why ??= why
  progress.unwell = unwell ?? progress.unwell
  progress.state = state
}

function outOfOrder(expected: string, found: JournalRecord | undefined): KitError {
  const what = found ? JSON.stringify(found).slice(0, 200) : 'nothing'
  return new KitError(
    'journal-damaged',
    `Expected ${expected} in the journal of the open apply, found ${what}. Nothing is done, because it is not known how ` +
      'far that apply came: put each component right by hand, then remove .kit/current.',
  )
}
