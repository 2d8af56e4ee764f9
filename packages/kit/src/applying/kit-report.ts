import type { KitCode } from '../ground/kit-error.ts'
import type { KitPlan } from '../planning/kit-plan.ts'
import type { JournalRecord, Why } from './journal-record.ts'
import { isAfterCommit } from './stored-plan.ts'

/** Kits §9: of the whole kit those that other devices have, too; of a component all of them. */
export type KitReportKind = 'planned' | 'downloaded' | 'applied' | 'probed' | 'confirmed' | 'rolled-back' | 'failed'

export interface KitReport {
  transaction: string
  releaseId: string
  sequence: number
  direction: KitPlan['direction']
  /** Absent: of the whole kit. */
  component?: string
  kind: KitReportKind
  code?: KitCode
  message?: string
  at: number
}

type Told = Pick<KitReport, 'kind' | 'component' | 'code' | 'message'>

/**
 * What a journal tells, in its order. Pure, and what is told of a record never changes by later ones: so what was told
 * before a power cut is told again in the same words, and nothing else is.
 */
export function reportsOf(transaction: string, plan: KitPlan, records: readonly JournalRecord[]): KitReport[] {
  const about = {
    transaction,
    releaseId: plan.manifest.releaseId,
    sequence: plan.manifest.sequence,
    direction: plan.direction,
  }
  const begun = new Set<string>()
  let why: Why | undefined
  return records.flatMap((record) => {
    if (record.kind === 'component' && record.step === 'applying') begun.add(record.component)
    if (record.kind === 'state' && record.why) why ??= record.why
    return toldOf(record, plan, { begun, why }).map((told) => ({ ...about, ...told, at: record.at }))
  })
}

interface Before {
  /** Components that something has been exchanged of. */
  begun: ReadonlySet<string>
  why: Why | undefined
}

function toldOf(record: JournalRecord, plan: KitPlan, before: Before): Told[] {
  switch (record.kind) {
    case 'planned':
      return plan.steps.map(({ component }) => ({ kind: 'planned', component: component.id }))
    case 'try-failed':
      return []
    case 'component':
      return toldOfComponent(record, before)
    case 'state':
      return toldOfState(record, plan, before)
  }
}

function toldOfComponent(
  { component, step, why }: Extract<JournalRecord, { kind: 'component' }>,
  { begun }: Before,
): Told[] {
  switch (step) {
    case 'applied':
    case 'probed':
    case 'confirmed':
      return [{ kind: step, component }]
    case 'reverted':
      return begun.has(component) ? [{ kind: 'rolled-back', component }] : []
    case 'failed':
      return [{ kind: 'failed', component, ...(why && { code: why.code, message: why.message }) }]
    case 'preparing':
    case 'applying':
    case 'reverting':
      return []
  }
}

function toldOfState(
  { state, by, why: own }: Extract<JournalRecord, { kind: 'state' }>,
  plan: KitPlan,
  { why }: Before,
): Told[] {
  const reason = why && { code: why.code, message: why.message }
  switch (state) {
    case 'staged': {
      const fetched = plan.steps.filter(({ file }) => file)
      const ofComponents = fetched.map(({ component }): Told => ({ kind: 'downloaded', component: component.id }))
      return [...ofComponents, { kind: 'downloaded' }]
    }
    case 'probing':
      return [{ kind: 'applied' }]
    case 'committed': {
      if (by !== 'done') return []
      const regular = plan.steps.filter(({ component }) => !isAfterCommit(component))
      return [
        { kind: 'confirmed' },
        ...regular.map(({ component }): Told => ({ kind: 'confirmed', component: component.id })),
      ]
    }
    case 'reverting':
      return by === 'failed' && own?.component !== undefined
        ? [{ kind: 'failed', component: own.component, code: own.code, message: own.message }]
        : []
    case 'reverted':
      return [{ kind: by === 'done' ? 'rolled-back' : 'failed', ...reason }]
    case 'stuck':
      return own ? [{ kind: 'failed', code: own.code, message: own.message }] : []
    case 'planned':
    case 'staging':
    case 'applying':
    case 'cleaned':
      return []
  }
}
