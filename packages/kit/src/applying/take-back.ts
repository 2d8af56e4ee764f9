import { sleep } from '@hotpatch/device-ground'
import type { KitStep } from '../planning/kit-plan.ts'
import type { ApplyContext, ApplyLimits } from './apply-context.ts'
import type { EndedApply } from './apply-outcome.ts'
import type { Why } from './journal-record.ts'
import { kitErrorFrom, whyOf } from './kit-error-from.ts'
import { closeQuietly } from './close-quietly.ts'
import type { Transaction } from './transaction.ts'

export const ENDED: Why = {
  code: 'stopped',
  message: 'The coordinator was ended, or the power went, before the apply was committed.',
}

/**
 * Kits §8.5: everything that was begun, from the last component to the first; the first that fails ends a try, because
 * what comes before it may be what the failing one stands on. From `reverting` on, whatever is left of its tries.
 */
export async function takeBack(
  context: ApplyContext & { limits: ApplyLimits },
  transaction: Transaction,
): Promise<EndedApply> {
  const { limits, ports } = context
  await quietlyUnlessLost(transaction, transaction.releaseReserve())
  for (;;) {
    const { failedTries, begunTries } = transaction.progress()
    if (begunTries > limits.begunTries) return getStuck(transaction, endedEachTime(begunTries))
    try {
      await revertAll(transaction)
      break
    } catch (error) {
      if (transaction.isLost()) throw error
      const why = whyOf(error)
      if (failedTries + 1 >= limits.failedTries) return getStuck(transaction, why)
      await transaction.noteIfThereIsRoom({ kind: 'try-failed', why })
      await sleep(ports.clock, limits.firstPauseMs * 2 ** failedTries)
    }
  }
  const unwell = await findUnwell(context, transaction)
  await transaction.moveIfThereIsRoom('done', { ...(unwell.length > 0 && { unwell }) })
  await closeQuietly(context, transaction)
  return revertedOutcome(transaction)
}

export function revertedOutcome(transaction: Transaction): EndedApply {
  const { releaseId, why = ENDED, unwell } = transaction.progress()
  return { kind: 'reverted', transaction: transaction.id, releaseId, why, unwell }
}

export function stuckOutcome(transaction: Transaction): EndedApply {
  const { releaseId, whyStuck } = transaction.progress()
  const why = whyStuck ?? { code: 'revert-failed', message: 'It could not be taken back.' }
  return { kind: 'stuck', transaction: transaction.id, releaseId, why, advice: adviceFor(transaction, why) }
}

function adviceFor({ id }: Transaction, { component }: Why): string {
  const which = component === undefined ? 'the kit' : component
  const kept = component === undefined ? '' : ` What was kept of it is in .kit/transactions/${id}/work/${component}.`
  return (
    `Mend what keeps ${which} from going back (above), then have the apply taken back again: hotpatch kit doctor says how. ` +
    `Until then no other release is applied.${kept}`
  )
}

/** Not skipped: one that was reverted in an earlier try, because nothing has touched it since. */
async function revertAll(transaction: Transaction): Promise<void> {
  for (const step of transaction.stored.plan.steps.toReversed()) {
    const { id } = step.component
    if (!transaction.hasDone(id, 'preparing') || transaction.hasDone(id, 'reverted')) continue
    const { adapter, work } = transaction.workOf(step)
    await transaction.noteIfThereIsRoom({ kind: 'component', component: id, step: 'reverting' })
    try {
      await adapter.revert(work)
    } catch (error) {
      throw kitErrorFrom(error, id)
    }
    await transaction.noteIfThereIsRoom({ kind: 'component', component: id, step: 'reverted' })
  }
}

/** It is what it was; that it does not run is told, and cannot be mended by anything that was kept. */
async function findUnwell({ probing }: ApplyContext, transaction: Transaction): Promise<string[]> {
  const changed = transaction.stored.plan.steps.filter(({ component }) => transaction.hasDone(component.id, 'applying'))
  const unwell: string[] = []
  for (const step of changed) {
    if (!(await isWell(probing, step))) unwell.push(step.component.id)
  }
  return unwell
}

async function isWell(probing: ApplyContext['probing'], step: KitStep): Promise<boolean> {
  try {
    await probing.before(step)
    return true
  } catch {
    // Told by its id; why it does not run, its own log says.
    return false
  }
}

async function getStuck(transaction: Transaction, found: Why): Promise<EndedApply> {
  const why: Why = { ...found, code: found.code === 'installation-invalid' ? found.code : 'revert-failed' }
  await transaction.moveIfThereIsRoom('failed', { why })
  return stuckOutcome(transaction)
}

function endedEachTime(times: number): Why {
  return {
    code: 'revert-failed',
    message: `Taking it back was begun ${times} times, and ended from outside each time.`,
  }
}

async function quietlyUnlessLost(transaction: Transaction, work: Promise<void>): Promise<void> {
  // What could not be removed gives no room: the way back may need none.
  await work.catch(() => undefined)
  if (transaction.isLost()) throw kitErrorFrom(new Error('the disk cannot be written any more'))
}
