import type { Proposal, Rollout, RolloutChanges } from '@hotpatch/api'
import { problem, type RolloutState } from '@hotpatch/protocol'
import { requireApp, type Actor } from '../../people/authors/actor.ts'
import type { AppService } from '../../shipping/apps/app-service.ts'
import { actorOf, type Author } from '../../people/authors/author.ts'
import { readTimestamp, timestamp, type Clock } from '../../ground/clock.ts'
import type { Change, Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { audienceChanges, changedDevices } from './audience.ts'
import type { Proposed, RolloutCompanion, RolloutDeed, RolloutGate } from './placement.ts'
import { renderRollout } from './render-rollout.ts'
import type { RolloutAction, RolloutRecords } from './rollout-records.ts'
import { getRollout, listRolloutsOfRelease, lockRollout, updateRolloutIn, type RolloutRow } from './rollout-store.ts'

/** Halting and withdrawing are final: a halted rollout is never resurrected. */
const TRANSITIONS = {
  pause: { from: ['active'], to: 'paused', action: 'rollout.paused' },
  resume: { from: ['paused'], to: 'active', action: 'rollout.resumed' },
  halt: { from: ['active', 'paused'], to: 'halted', action: 'rollout.halted' },
  withdraw: { from: ['active', 'paused', 'halted'], to: 'withdrawn', action: 'rollout.withdrawn' },
} as const satisfies Record<string, { from: RolloutState[]; to: RolloutState; action: RolloutAction }>

/** Of those that are none of these, nothing is known but that they may bring something to more devices. */
const DEEDS: Partial<Record<RolloutAction, RolloutDeed>> = {
  'rollout.paused': 'stops',
  'rollout.halted': 'stops',
  'rollout.withdrawn': 'withdraws',
  'rollout.finished': 'withdraws',
}

export type RolloutTransition = keyof typeof TRANSITIONS

type Within = (tx: Connection, before: RolloutRow) => Promise<Partial<RolloutRow> | void>

interface Application {
  rollout: RolloutRow
  from: readonly RolloutState[]
  action: RolloutAction
  author: Author
  columns: Partial<RolloutRow>
  within: Within | undefined
  deed?: RolloutDeed
}

/** What becomes of rollouts that are there. Each change locks its rollout first, and everything else after it. */
export function createChanging({
  db,
  changes,
  apps,
  companions,
  gate,
  records,
  clock,
}: {
  db: Database
  changes: Changes
  apps: AppService
  companions: readonly RolloutCompanion[]
  gate: RolloutGate
  records: RolloutRecords
  clock: Clock
}) {
  /** @throws problem rollout-not-found, or forbidden when the token is for another app */
  async function get(id: string, actor: Actor | null, connection: Connection = db): Promise<RolloutRow> {
    const row = await getRollout(connection, id)
    requireApp(actor, row.app_id)
    return row
  }

  /**
   * @param transition what is to become of it in the same transaction: both, or neither
   * @throws problem approval-awaited where it takes a second person: then it is proposed
   */
  async function change(
    rollout: RolloutRow,
    input: RolloutChanges,
    author: Author,
    transition?: RolloutTransition,
  ): Promise<Rollout> {
    const outcome = await changes.run(async (tx, unit) => {
      const proposal = await proposeChange(tx, unit, rollout, input, author, transition)
      return proposal ? { proposal } : { changed: await changeIn(tx, unit, rollout, input, author, transition) }
    })
    if ('proposal' in outcome) throw approvalAwaited(outcome.proposal)
    return renderRollout(outcome.changed)
  }

  /** Within the caller's transaction. */
  async function changeIn(
    tx: Connection,
    unit: Change,
    rollout: RolloutRow,
    input: RolloutChanges,
    author: Author,
    transition?: RolloutTransition,
  ): Promise<RolloutRow> {
    const columns = columnsOf(input)
    const changed = await lockAndApply(tx, unit, {
      rollout,
      from: ['active', 'paused'],
      action: 'rollout.changed',
      author,
      columns,
      within: (_tx, before) => requireAllowed(tx, before, input, columns),
      deed: deedOf(rollout, input),
    })
    if (!transition) return changed
    await transitionIn(tx, unit, rollout.id, transition, author)
    return get(rollout.id, null, tx)
  }

  /** Undefined where one person is enough. What stops it waits for nobody. */
  async function proposeChange(
    tx: Connection,
    unit: Change,
    rollout: RolloutRow,
    input: RolloutChanges,
    author: Author,
    transition: RolloutTransition | undefined,
  ): Promise<Proposal | undefined> {
    await lockRollout(tx, rollout.id)
    const before = await get(rollout.id, actorOf(author), tx)
    const { waits } = await gate.admit(tx, author, before, deedOf(before, input))
    if (!waits || !(before.state === 'active' || before.state === 'paused')) return undefined
    await requireAllowed(tx, before, input, columnsOf(input))
    const isStop = transition === 'pause' || transition === 'halt'
    if (isStop) await transitionIn(tx, unit, rollout.id, transition, author)
    const { revision: _seen, ...wanted } = input
    const asked = { kind: 'change' as const, changes: { ...wanted, ...(transition && !isStop && { transition }) } }
    return gate.propose(tx, unit, author, await get(rollout.id, null, tx), asked)
  }

  async function requireAllowed(
    tx: Connection,
    before: RolloutRow,
    input: RolloutChanges,
    columns: Partial<RolloutRow>,
  ): Promise<Partial<RolloutRow>> {
    const { percentage, startsAt, revision } = input
    requireRevision(before, revision)
    const hasStarted = before.starts_at === null || before.starts_at <= clock.now()
    if (startsAt !== undefined && hasStarted) {
      throw problem('rollout-state', 'This rollout has started: its start cannot be moved any more.')
    }
    if (percentage !== undefined && before.experiment_id !== null) {
      throw problem('rollout-state', 'This rollout is an arm of an A/B test, whose arms all have one percentage.')
    }
    for (const companion of companions) await companion.refuse?.(tx, before, input)
    return changedDevices({ ...before, ...columns }, input)
  }

  function columnsOf({ revision: _seen, ...wanted }: RolloutChanges): Partial<RolloutRow> {
    if (Object.keys(wanted).length === 0) {
      throw problem('invalid-request', 'Expected something to change, found a revision alone.')
    }
    const { percentage, mandatory, mandatoryBelow, startsAt } = wanted
    return {
      ...(percentage !== undefined && { percentage }),
      ...(mandatory !== undefined && { mandatory: mandatory ? 1 : 0 }),
      ...(mandatoryBelow !== undefined && { mandatory_below: mandatoryBelow }),
      ...(startsAt !== undefined && {
        starts_at: startsAt === null ? null : readTimestamp(startsAt, 'startsAt'),
        // Told by the next round, also when it is now.
        awaits_start: 1,
      }),
      ...audienceChanges(wanted),
    }
  }

  /**
   * @param revision that whoever decided this has seen
   * @throws problem approval-awaited where it takes a second person: then it is proposed
   */
  async function transition(
    rollout: RolloutRow,
    name: RolloutTransition,
    author: Author,
    revision?: number,
  ): Promise<Rollout> {
    const { from, to, action } = TRANSITIONS[name]
    if (rollout.state === to) return renderRollout(rollout)
    const outcome = await changes.run(async (tx, unit) => {
      const proposal = name === 'resume' ? await proposeResuming(tx, unit, rollout.id, author, revision) : undefined
      if (proposal) return { proposal }
      const within: Within = async (_tx, before) => requireRevision(before, revision)
      const asked = { rollout, from, action, author, columns: { state: to }, within }
      return { changed: await lockAndApply(tx, unit, asked) }
    })
    if ('proposal' in outcome) throw approvalAwaited(outcome.proposal)
    return renderRollout(outcome.changed)
  }

  /** Undefined where one person is enough, and of what is not paused. */
  async function proposeResuming(
    tx: Connection,
    unit: Change,
    rolloutId: string,
    author: Author,
    revision?: number,
  ): Promise<Proposal | undefined> {
    await lockRollout(tx, rolloutId)
    const before = await get(rolloutId, actorOf(author), tx)
    const { waits } = await gate.admit(tx, author, before, 'widens')
    if (!waits || before.state !== 'paused') return undefined
    requireRevision(before, revision)
    const kind: Proposed['kind'] = before.awaits_approval === 1 ? 'start' : 'resume'
    return gate.propose(tx, unit, author, before, { kind })
  }

  /** What has waited for its approval: from its own start on, when that is still to come. */
  async function startIn(tx: Connection, unit: Change, rollout: RolloutRow, author: Author): Promise<void> {
    const now = clock.now()
    const isAhead = rollout.starts_at !== null && rollout.starts_at > now
    await lockAndApply(tx, unit, {
      rollout,
      from: ['paused'],
      action: isAhead ? 'rollout.scheduled' : 'rollout.started',
      author,
      columns: { state: 'active', ...(!isAhead && { starts_at: now, awaits_start: 0 }) },
      within: undefined,
    })
  }

  /** Within a transaction, for those that change more than the rollout. Nothing when its state does not allow it any more. */
  async function transitionIn(
    tx: Connection,
    change: Change,
    rolloutId: string,
    name: RolloutTransition,
    author: Author,
  ): Promise<void> {
    const { from, to, action } = TRANSITIONS[name]
    await lockRollout(tx, rolloutId)
    const before = await get(rolloutId, actorOf(author), tx)
    await admit(tx, before, author, DEEDS[action] ?? 'widens')
    if (!(from as readonly RolloutState[]).includes(before.state)) return
    await applyIn(tx, change, before, from, action, author, { state: to })
  }

  /**
   * Compare-and-set on the state: of two at once that exclude each other, one wins and the other is told.
   * @param within runs before the change, with the rollout locked, and may say what else changes; what it throws
   *   undoes everything
   * @throws problem rollout-state
   */
  async function apply(
    rollout: RolloutRow,
    from: readonly RolloutState[],
    action: RolloutAction,
    author: Author,
    columns: Partial<RolloutRow>,
    within?: Within,
  ): Promise<Rollout> {
    const asked = { rollout, from, action, author, columns, within }
    return renderRollout(await changes.run((tx, change) => lockAndApply(tx, change, asked)))
  }

  async function lockAndApply(
    tx: Connection,
    change: Change,
    { rollout, from, action, author, columns, within, deed = DEEDS[action] ?? 'widens' }: Application,
  ): Promise<RolloutRow> {
    await lockRollout(tx, rollout.id)
    const before = await get(rollout.id, actorOf(author), tx)
    await admit(tx, before, author, deed)
    const more = from.includes(before.state) ? await within?.(tx, before) : undefined
    return applyIn(tx, change, before, from, action, author, { ...columns, ...more })
  }

  /** For what was not proposed, and cannot be. @throws problem forbidden, channel-protected or approval-required */
  async function admit(tx: Connection, rollout: RolloutRow, author: Author, deed: RolloutDeed): Promise<void> {
    const { waits } = await gate.admit(tx, author, rollout, deed)
    if (!waits) return
    const detail = `The channel "${rollout.channel}" takes a second person, and this cannot be proposed: change the percentage instead.`
    throw problem('approval-required', detail)
  }

  /** @param before locked by this transaction */
  async function applyIn(
    tx: Connection,
    change: Change,
    before: RolloutRow,
    from: readonly RolloutState[],
    action: RolloutAction,
    author: Author,
    columns: Partial<RolloutRow>,
  ): Promise<RolloutRow> {
    const now = clock.now()
    const ends = columns.state === 'halted' || columns.state === 'withdrawn'
    const revision = before.revision + 1
    const written = {
      ...columns,
      ...(columns.state === 'active' && { awaits_approval: 0 }),
      revision,
      updated_at: now,
      ...(ends && { ended_at: before.ended_at ?? now }),
    }
    if (!(await updateRolloutIn(tx, before.id, from, written))) {
      throw problem('rollout-state', `Expected a rollout that is ${from.join(' or ')}; this one is ${before.state}.`)
    }
    const changed = await get(before.id, null, tx)
    for (const companion of companions) await companion.changed?.(tx, before, changed)
    const after = await get(before.id, null, tx)
    await records.record(tx, change, author, action, before, after)
    await records.raise(tx, change, await apps.get(before.app_id, tx), after)
    return after
  }

  /**
   * Does something with the rollout locked.
   * @throws problem rollout-state
   */
  async function hold(
    rollout: RolloutRow,
    states: readonly RolloutState[],
    within: (tx: Connection, change: Change, rollout: RolloutRow) => Promise<void>,
  ): Promise<void> {
    await changes.run(async (tx, change) => {
      await lockRollout(tx, rollout.id)
      const before = await get(rollout.id, null, tx)
      if (!states.includes(before.state)) {
        throw problem(
          'rollout-state',
          `Expected a rollout that is ${states.join(' or ')}; this one is ${before.state}.`,
        )
      }
      await within(tx, change, before)
    })
  }

  /**
   * Tells that a scheduled rollout has started: once, however many servers notice.
   * @throws problem rollout-state when someone else has told it, or its start was moved
   */
  function tellStart(rollout: RolloutRow, author: Author): Promise<Rollout> {
    return apply(rollout, ['active'], 'rollout.started', author, { awaits_start: 0 }, async (_tx, before) => {
      const hasCome = before.starts_at === null || before.starts_at <= clock.now()
      if (!before.awaits_start || !hasCome) throw problem('rollout-state', 'There is no start to tell.')
    })
  }

  /**
   * Before the first of several changes in one transaction: it holds the catalog, for which whoever has locked another
   * of them waits.
   */
  async function lockAll(tx: Connection, rolloutIds: readonly string[]): Promise<void> {
    for (const id of rolloutIds) await lockRollout(tx, id)
  }

  /** Withdraws every rollout of a release that is archived. */
  async function withdrawAllOf(tx: Connection, change: Change, releaseId: string, author: Author): Promise<void> {
    const ids = (await listRolloutsOfRelease(tx, releaseId)).map(({ id }) => id)
    await lockAll(tx, ids)
    for (const id of ids) await transitionIn(tx, change, id, 'withdraw', author)
  }

  /**
   * Pauses or resumes every rollout of a release on a channel: the newest that is so then. What is so already stays so.
   * @throws problem rollout-not-found, or rollout-state when none can be resumed
   */
  async function switchRelease(
    { id: releaseId, version }: { id: string; version: string },
    channel: string,
    name: 'pause' | 'resume',
    author: Author,
  ): Promise<Rollout> {
    const { from, to } = TRANSITIONS[name]
    const outcome = await changes.run(async (tx, change) => {
      const listed = async () => (await listRolloutsOfRelease(tx, releaseId)).filter((each) => each.channel === channel)
      const before = await listed()
      await lockAll(
        tx,
        before.map(({ id }) => id),
      )
      const proposals: Proposal[] = []
      for (const { id } of before) {
        const proposal = name === 'resume' ? await proposeResuming(tx, change, id, author) : undefined
        if (proposal) proposals.push(proposal)
        else await transitionIn(tx, change, id, name, author)
      }
      if (proposals[0]) return { proposal: proposals[0] }
      const after = (await listed()).toReversed()
      const found = after.find(({ state }) => state === to) ?? (name === 'pause' ? after[0] : undefined)
      if (found) return { found }
      if (after.length === 0) throw problem('rollout-not-found', `${version} was never on the channel "${channel}".`)
      const states = [...new Set(after.map(({ state }) => state))].join(' and ')
      const detail = `Expected a rollout of ${version} that is ${from.join(' or ')}, found only what is ${states}: place it anew with hotpatch promote.`
      throw problem('rollout-state', detail)
    })
    if ('proposal' in outcome) throw approvalAwaited(outcome.proposal)
    return renderRollout(outcome.found)
  }

  return {
    get,
    admit,
    change,
    changeIn,
    startIn,
    apply,
    hold,
    transition,
    transitionIn,
    switchRelease,
    lockAll,
    tellStart,
    withdrawAllOf,
  }
}

/** Fewer devices by the percentage alone; anything else may bring it to others. */
function deedOf(rollout: RolloutRow, { revision: _seen, ...wanted }: RolloutChanges): RolloutDeed {
  const { percentage, ...others } = wanted
  const isNarrower = percentage !== undefined && percentage <= rollout.percentage && Object.keys(others).length === 0
  return isNarrower ? 'withdraws' : 'widens'
}

/** What was asked for is not done yet. */
export function approvalAwaited({ id, channel }: Pick<Proposal, 'id' | 'channel'>) {
  const detail = `Nothing is changed yet: the channel "${channel}" takes a second person, who approves the proposal ${id}.`
  return problem('approval-awaited', detail, { proposalId: id })
}

/** @throws problem rollout-changed when it is not any more as somebody saw it who decided something about it */
export function requireRevision({ revision, updated_at }: RolloutRow, seen: number | undefined): void {
  if (seen === undefined || seen === revision) return
  const detail = `Expected revision ${seen}, found ${revision}: somebody changed the rollout on ${timestamp(updated_at)}.`
  throw problem('rollout-changed', detail, { revision })
}
