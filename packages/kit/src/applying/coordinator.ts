import { KitError } from '../ground/kit-error.ts'
import { CURRENT_FILE } from '../ground/kit-layout.ts'
import { readInstalledRelease } from '../installation/installed-release.ts'
import type { KitPlan } from '../planning/kit-plan.ts'
import { APPLY_LIMITS, type ApplyContext, type ApplyLimits } from './apply-context.ts'
import type { ApplyOutcome, RecoveryOutcome } from './apply-outcome.ts'
import { goForward, type GoingForward } from './go-forward.ts'
import type { Why } from './journal-record.ts'
import type { KitState } from './kit-states.ts'
import { takeLock } from './lock.ts'
import { recover, type RecoverOptions } from './recover.ts'
import { kitErrorFrom } from './kit-error-from.ts'
import { placesOf, type StoredPlan } from './stored-plan.ts'
import { beginTransaction, notInstalled, readOpenJournal, sweepRests, type Transaction } from './transaction.ts'

/** Holds the lock of a kit until it is disposed of. */
export interface Coordinator extends AsyncDisposable {
  /** Before anything else: finishes or takes back what an earlier start has left. @throws KitError journal-damaged */
  recover(options?: RecoverOptions): Promise<RecoveryOutcome>
  /**
   * Applies a plan that was made while the lock was held, and that whoever decides has consented to. Of what goes wrong
   * once it has begun, the outcome tells. @throws KitError before anything is touched
   */
  apply(plan: KitPlan, forward: GoingForward): Promise<ApplyOutcome>
}

/** @throws KitError already-running */
export async function openCoordinator(parts: ApplyContext): Promise<Coordinator> {
  const context = { ...parts, limits: parts.limits ?? APPLY_LIMITS }
  const { disk, clock } = context.ports
  const lock = await inWordsOfKits(takeLock(disk, context.process, clock))
  return {
    recover: (options) => inWordsOfKits(recover(context, options)),
    apply: (plan, forward) => inWordsOfKits(apply(context, plan, forward)),
    // One that could not be released is stale once this process has ended.
    [Symbol.asyncDispose]: () => lock.release().catch(() => undefined),
  }
}

async function inWordsOfKits<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw kitErrorFrom(error)
  }
}

/** An apply that is open, by its journal alone; for whoever only looks. */
export interface OpenApply {
  transaction: string
  releaseId: string
  sequence: number
  state: KitState
  why: Why | undefined
  whyStuck: Why | undefined
}

/** Needs no lock, and changes nothing. @throws KitError journal-damaged */
export async function findOpenApply(
  ports: Pick<ApplyContext['ports'], 'disk' | 'crypto'>,
): Promise<OpenApply | undefined> {
  const found = await readOpenJournal({ ports })
  if (!found) return undefined
  const { releaseId, sequence, state, why, whyStuck } = found.progress
  return { transaction: found.id, releaseId, sequence, state, why, whyStuck }
}

async function apply(
  context: ApplyContext & { limits: ApplyLimits },
  plan: KitPlan,
  forward: GoingForward,
): Promise<ApplyOutcome> {
  await expectNothingOpen(context)
  const { installation, ports } = context
  const before = await readInstalledRelease(ports.disk, installation.releaseFile)
  if (before?.releaseId !== plan.from?.releaseId || before?.sequence !== plan.from?.sequence)
    throw planIsOld(before, plan)
  const { releaseId, sequence } = plan.manifest
  const isInstalled = before?.releaseId === releaseId && before.sequence === sequence
  if (plan.steps.length === 0 && isInstalled) return { kind: 'nothing-to-do' }
  await expectNoObjections(context, plan)
  const transaction = await begin(context, { plan, before, places: placesOf(plan, installation) })
  return goForward(context, transaction, forward)
}

/** What could not begin leaves nothing behind, as far as the disk allows that. */
async function begin(context: ApplyContext, stored: StoredPlan): Promise<Transaction> {
  try {
    return await beginTransaction(context, stored)
  } catch (error) {
    await sweepRests(context).catch(() => undefined)
    throw error
  }
}

async function expectNothingOpen({ ports }: ApplyContext): Promise<void> {
  if (!(await ports.disk.stat(CURRENT_FILE))) return
  const open = await findOpenApply(ports)
  if (open?.state === 'stuck') {
    throw new KitError(
      'revert-failed',
      `The apply of ${open.releaseId} could not be taken back: ${open.whyStuck?.message ?? 'see its journal'} ` +
        'Mend that and have it taken back again (hotpatch kit doctor says how); until then no other release is applied.',
    )
  }
  throw new KitError(
    'already-running',
    `The apply of ${open?.releaseId ?? 'another release'} has not come to its end: recover first.`,
  )
}

async function expectNoObjections(context: ApplyContext, { steps }: KitPlan): Promise<void> {
  const { adapters, installation, ports } = context
  const objections: string[] = []
  for (const step of steps) {
    const adapter = adapters.get(step.component.kind)
    const place = installation.components[step.component.id]
    if (!adapter || !place) throw notInstalled(step, adapter !== undefined)
    const found = await adapter.objections({ step, place, installation, ports })
    objections.push(...found.map((objection) => `${step.component.id}: ${objection}`))
  }
  if (objections.length > 0) throw new KitError('installation-invalid', objections.join('\n'))
}

function planIsOld(found: { releaseId: string } | undefined, { from }: KitPlan): KitError {
  return new KitError(
    'installed-invalid',
    `Expected what the plan was made for, ${from?.releaseId ?? 'nothing that is known'}, found ` +
      `${found?.releaseId ?? 'nothing that is known'}: make the plan anew.`,
  )
}
