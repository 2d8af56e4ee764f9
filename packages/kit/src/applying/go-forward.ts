import type { Stopped } from '@hotpatch/device-ground'
import { makeDurableDirectory } from '../ground/durable-files.ts'
import { KitError } from '../ground/kit-error.ts'
import type { KitStep } from '../planning/kit-plan.ts'
import type { ApplyContext, ApplyLimits, StageArtifacts } from './apply-context.ts'
import type { EndedApply } from './apply-outcome.ts'
import { closeQuietly } from './close-quietly.ts'
import { finish } from './finish.ts'
import { kitErrorFrom, whyOf } from './kit-error-from.ts'
import { probeKitWithin, probeWithin } from './probe-within.ts'
import { isAfterCommit } from './stored-plan.ts'
import { revertedOutcome, takeBack } from './take-back.ts'
import type { Transaction } from './transaction.ts'

type Context = ApplyContext & { limits: ApplyLimits }

export interface GoingForward {
  stage: StageArtifacts
  stopped?: Stopped
}

/** Kits §8.4: from `planned` or `staging` to the end, whichever end that is. */
export async function goForward(
  context: Context,
  transaction: Transaction,
  forward: GoingForward,
): Promise<EndedApply> {
  try {
    await advanceToCommit(context, transaction, forward)
  } catch (error) {
    if (transaction.isLost()) throw error
    return goBack(context, transaction, error)
  }
  return finish(context, transaction)
}

/** From wherever it is before the commit. */
export async function goBack(context: Context, transaction: Transaction, error: unknown): Promise<EndedApply> {
  await transaction.moveIfThereIsRoom('failed', { why: whyOf(error) })
  if (transaction.progress().state === 'reverting') return takeBack(context, transaction)
  await closeQuietly(context, transaction)
  return revertedOutcome(transaction)
}

async function advanceToCommit(
  context: Context,
  transaction: Transaction,
  { stage, stopped }: GoingForward,
): Promise<void> {
  const { plan } = transaction.stored
  if (transaction.progress().state === 'planned') await transaction.move('done')
  await stage(plan, { ...(stopped && { stopped }) })
  await transaction.move('done')
  expectGoing(stopped)
  await transaction.move('done')
  for (const step of plan.steps) await of(step, stopped, prepare(context, transaction, step))
  for (const step of plan.steps.filter(({ component }) => !isAfterCommit(component))) {
    await of(step, stopped, applyAndProbe(context, transaction, step, stopped))
  }
  await transaction.move('done')
  await probeKitWithin(context, plan.manifest, stopped)
  expectGoing(stopped)
  await transaction.move('done')
}

async function of(step: KitStep, stopped: Stopped | undefined, work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    throw kitErrorFrom(error, step.component.id)
  }
  expectGoing(stopped)
}

async function prepare({ ports }: Context, transaction: Transaction, step: KitStep): Promise<void> {
  const { adapter, work } = transaction.workOf(step)
  await transaction.note({ kind: 'component', component: step.component.id, step: 'preparing' })
  await makeDurableDirectory(ports.disk, work.workPath)
  await adapter.prepare(work)
}

async function applyAndProbe(
  context: Context,
  transaction: Transaction,
  step: KitStep,
  stopped: Stopped | undefined,
): Promise<void> {
  const component = step.component.id
  const { adapter, work } = transaction.workOf(step)
  await transaction.note({ kind: 'component', component, step: 'applying' })
  await adapter.apply(work)
  await transaction.note({ kind: 'component', component, step: 'applied' })
  if ((await probeWithin(context, step, stopped)) === 'well') {
    await transaction.note({ kind: 'component', component, step: 'probed' })
  }
}

function expectGoing(stopped: Stopped | undefined): void {
  if (stopped?.isStopped()) throw new KitError('stopped', 'The apply was stopped before it was committed.')
}
