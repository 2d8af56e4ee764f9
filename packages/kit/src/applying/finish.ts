import type { InstalledComponent } from '@hotpatch/protocol'
import { writeInstalledRelease } from '../installation/installed-release.ts'
import type { KitStep } from '../planning/kit-plan.ts'
import type { ApplyContext, ApplyLimits } from './apply-context.ts'
import type { EndedApply } from './apply-outcome.ts'
import { closeQuietly } from './close-quietly.ts'
import { installedAfter } from './installed-after.ts'
import type { Why } from './journal-record.ts'
import { whyOf } from './kit-error-from.ts'
import { probeWithin } from './probe-within.ts'
import { isAfterCommit } from './stored-plan.ts'
import type { Transaction } from './transaction.ts'

type Context = ApplyContext & { limits: ApplyLimits }

/**
 * Kits §8.6: behind the point of no return. Every part may be run again; what fails stays to be done, and nothing of it
 * takes anything back.
 */
export async function finish(context: Context, transaction: Transaction): Promise<EndedApply> {
  try {
    // The record of the commit is durable: whatever the way back needed room for, it needs none any more.
    await transaction.releaseReserve()
    await writeInstalled(context, transaction)
    await context.committed?.(transaction.stored.plan.manifest)
    const last = transaction.stored.plan.steps.filter(({ component }) => isAfterCommit(component))
    for (const step of last) await applyAfterCommit(context, transaction, step)
    if (last.length > 0) await writeInstalled(context, transaction)
    await cleanUpAll(transaction)
    await transaction.move('done')
  } catch (error) {
    if (transaction.isLost()) throw error
    return committedOutcome(transaction, whyOf(error))
  }
  await closeQuietly(context, transaction)
  return committedOutcome(transaction)
}

export function committedOutcome(transaction: Transaction, unfinished?: Why): EndedApply {
  const { releaseId } = transaction.progress()
  return { kind: 'committed', transaction: transaction.id, releaseId, failed: transaction.failures(), unfinished }
}

async function writeInstalled(context: Context, transaction: Transaction): Promise<void> {
  const { disk } = context.ports
  const applied = new Map<string, Pick<InstalledComponent, 'stagedAt'>>()
  for (const step of transaction.stored.plan.steps) {
    const { id, kind } = step.component
    const isDone = isAfterCommit(step.component) ? transaction.hasDone(id, 'confirmed') : true
    if (!isDone) continue
    const { adapter, work } = transaction.workOf(step)
    // Of others the manifest says it all.
    const found = kind === 'app' ? await adapter.inspect(work) : undefined
    applied.set(id, found?.stagedAt === undefined ? {} : { stagedAt: found.stagedAt })
  }
  await writeInstalledRelease(disk, context.installation.releaseFile, installedAfter(transaction.stored, applied))
}

/** Tried once; a try that was killed, or that the journal had no room for, is repeated, a bounded number of times. */
async function applyAfterCommit(context: Context, transaction: Transaction, step: KitStep): Promise<void> {
  const { id } = step.component
  if (transaction.hasDone(id, 'confirmed') || transaction.hasDone(id, 'failed')) return
  const note = (name: 'applying' | 'applied' | 'probed' | 'confirmed') =>
    transaction.note({ kind: 'component', component: id, step: name })
  const { adapter, work } = transaction.workOf(step)
  const givenUp = transaction.whyOf(id, 'reverting')
  if (givenUp) return giveUp(transaction, step, givenUp)
  if (transaction.countOf(id, 'applying') >= context.limits.failedTries) {
    return giveUp(transaction, step, whyOf(endedEachTime(id), id))
  }
  await note('applying')
  const failure = await failureOf(adapter.apply(work), id)
  if (failure) return giveUp(transaction, step, failure)
  await note('applied')
  const probed = await resultOrFailure(probeWithin(context, step), id)
  if (typeof probed !== 'string') return giveUp(transaction, step, probed)
  if (probed === 'well') await note('probed')
  await note('confirmed')
}

async function failureOf(work: Promise<void>, component: string): Promise<Why | undefined> {
  const result = await resultOrFailure(
    work.then(() => 'done' as const),
    component,
  )
  return result === 'done' ? undefined : result
}

async function resultOrFailure<T extends string>(work: Promise<T>, component: string): Promise<T | Why> {
  try {
    return await work
  } catch (error) {
    return whyOf(error, component)
  }
}

/** Noted before: once it is being taken back, it is not applied again. */
async function giveUp(transaction: Transaction, step: KitStep, why: Why): Promise<void> {
  const { adapter, work } = transaction.workOf(step)
  const component = step.component.id
  let told = why
  if (step.component.supportsRollback) {
    await transaction.note({ kind: 'component', component, step: 'reverting', why })
    const failure = await failureOf(adapter.revert(work), component)
    if (failure) told = { ...why, message: `${why.message} It could not be taken back: ${failure.message}` }
  }
  await transaction.note({ kind: 'component', component, step: 'failed', why: told })
}

async function cleanUpAll(transaction: Transaction): Promise<void> {
  for (const step of transaction.stored.plan.steps) {
    if (transaction.hasDone(step.component.id, 'failed')) continue
    const { adapter, work } = transaction.workOf(step)
    await adapter.cleanUp(work)
  }
}

function endedEachTime(component: string): Error {
  return new Error(`Applying ${component} was begun several times, and ended from outside each time.`)
}
