import { readInstalledRelease } from '../installation/installed-release.ts'
import { KitError } from '../ground/kit-error.ts'
import type { ApplyContext, ApplyLimits } from './apply-context.ts'
import type { RecoveryOutcome } from './apply-outcome.ts'
import { closeQuietly } from './close-quietly.ts'
import { committedOutcome, finish } from './finish.ts'
import { goBack, goForward, type GoingForward } from './go-forward.ts'
import { recoveryOf } from './kit-states.ts'
import { ENDED, revertedOutcome, stuckOutcome, takeBack } from './take-back.ts'
import { findOpenTransaction, sweepRests, type Transaction } from './transaction.ts'

type Context = ApplyContext & { limits: ApplyLimits }

export interface RecoverOptions {
  /** People have looked at what was stuck: it is tried again. */
  hasBeenLookedAt?: boolean
  /** With it a download that was cut short goes on, and its apply after it; without, it is taken back. */
  forward?: GoingForward
}

/** Kits §8.7: what an earlier start has left is finished or taken back before anything else. @throws KitError */
export async function recover(context: Context, options: RecoverOptions = {}): Promise<RecoveryOutcome> {
  // A hook of a coordinator that was killed may still change what is about to be put back.
  await context.ports.hooks.endLeft?.()
  const transaction = await findOpenTransaction(context)
  if (!transaction) {
    await sweepRests(context)
    return { kind: 'nothing-open' }
  }
  await transaction.tell()
  const { state } = transaction.progress()
  const recovery = recoveryOf(state)
  if (recovery === 'take-back' || recovery === 'stage-again') await expectNotInstalled(context, transaction)
  switch (recovery) {
    case 'close':
      await closeQuietly(context, transaction)
      return state === 'cleaned' ? committedOutcome(transaction) : revertedOutcome(transaction)
    case 'finish':
      return finish(context, transaction)
    case 'take-back':
      return takeBackKilled(context, transaction)
    case 'stage-again':
      return stageAgain(context, transaction, options.forward)
    case 'wait-for-people':
      if (!options.hasBeenLookedAt) return stuckOutcome(transaction)
      await transaction.move('done')
      return takeBack(context, transaction)
  }
}

async function takeBackKilled(context: Context, transaction: Transaction): Promise<RecoveryOutcome> {
  const { why } = transaction.progress()
  await transaction.moveIfThereIsRoom('killed', { why: why ?? ENDED })
  if (transaction.progress().state === 'reverting') return takeBack(context, transaction)
  await closeQuietly(context, transaction)
  return revertedOutcome(transaction)
}

async function stageAgain(
  context: Context,
  transaction: Transaction,
  forward: GoingForward | undefined,
): Promise<RecoveryOutcome> {
  const isTriedOut = transaction.progress().begunTries >= context.limits.begunTries
  if (!forward || isTriedOut) return goBack(context, transaction, new KitError(ENDED.code, ENDED.message))
  await transaction.move('killed')
  return goForward(context, transaction, forward)
}

/** What is installed is written behind the commit alone: a journal that does not know of one has lost its end. */
async function expectNotInstalled({ ports, installation }: Context, { stored, id }: Transaction): Promise<void> {
  const installed = await readInstalledRelease(ports.disk, installation.releaseFile)
  const { releaseId, sequence } = stored.plan.manifest
  const isIt = (kit: { releaseId: string; sequence?: number } | undefined) =>
    kit?.releaseId === releaseId && kit.sequence === sequence
  if (!isIt(installed) || isIt(stored.before)) return
  throw new KitError(
    'journal-damaged',
    `Expected the journal of the apply ${id} to say that ${releaseId} was committed, as ${installation.releaseFile} says ` +
      'that it is installed. Nothing is done: put each component right by hand, then remove .kit/current.',
  )
}
