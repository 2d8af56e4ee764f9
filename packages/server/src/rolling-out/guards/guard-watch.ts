import type { GuardAction, GuardFigures, GuardTrip, TrippedGuard } from '@hotpatch/api'
import { Problem, problem } from '@hotpatch/protocol'
import type { FastifyBaseLogger } from 'fastify'
import type { AnnouncementService } from '../../telling/announcements/announcement-service.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import type { Author } from '../../people/authors/author.ts'
import { type Clock, HOUR_MS, timestamp } from '../../ground/clock.ts'
import type { Change } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'

import { countBadOfWorstNetworks } from '../../fleet/progress/sample-queries.ts'
import type { Sampling } from '../../fleet/progress/sampling.ts'
import type { RolloutRow, RolloutService } from '../rollouts/rollout-service.ts'
import { readGuard, readSightings, type Sighting, type WatchedRollout } from './guard-rows.ts'
import { listWatchingGuards, updateGuard, type GuardRow } from './guard-store.ts'
import {
  DISTRUSTED_NETWORKS,
  judgeHealth,
  tripsWithout,
  type GuardCause,
  type HealthQuestion,
  type HealthVerdict,
} from './judge-health.ts'
import { PLACED_NOTHING, type PlacePrevious } from './place-previous.ts'
import { findBaseline, successorOf } from './previous-release.ts'

/** How many guards are read at once. */
const BATCH = 200
/** Figures that changed without new devices get a look when the last one is so old: crashes may come late. */
const LOOK_AGAIN_MS = HOUR_MS

export const GUARD_AUTHOR: Author = { kind: 'guard' }

/** Another server, or a person, was first. */
const TAKEN: ReadonlySet<string> = new Set(['guard-state', 'rollout-state', 'rollout-not-found'])

/** What guards do by themselves. All is decided in the database: any number of servers may watch at once. */
export function createGuardWatch({
  db,
  reads = db,
  rollouts,
  placePrevious,
  audit,
  announcements,
  sampling,
  clock,
  log,
}: {
  db: Database
  /** For sums over many hours; `db` when it blocks nobody. */
  reads?: Database
  rollouts: RolloutService
  placePrevious: PlacePrevious
  audit: AuditService
  announcements: AnnouncementService
  sampling: Sampling
  clock: Clock
  log: Pick<FastifyBaseLogger, 'error' | 'warn'>
}) {
  /** One round over all guards that watch, a batch at a time. */
  async function watch(): Promise<void> {
    let after = ''
    for (;;) {
      const rows = await listWatchingGuards(reads, after, BATCH)
      const guards = rows.map(readGuard).filter(({ settings }) => settings.isOn)
      const sightings = await readSightings(reads, sampling, guards, clock.now())
      for (const guard of guards) {
        const sighting = sightings.get(guard.row.rollout_id)
        if (sighting && sighting.sample >= guard.settings.minimumSample) await attempt(guard, sighting)
      }
      if (rows.length < BATCH) return
      after = rows.at(-1)?.rollout_id ?? ''
    }
  }

  /** One that fails must not hold up the others. */
  async function attempt(guard: WatchedRollout, sighting: Sighting): Promise<void> {
    const { rollout_id: rolloutId } = guard.row
    try {
      await look(guard, sighting)
    } catch (error) {
      if (error instanceof Problem && TAKEN.has(error.type)) return
      log.error({ err: error, rolloutId }, 'a guard could not look; the next round tries again')
    }
  }

  async function look({ row, settings, ...guard }: WatchedRollout, sighting: Sighting): Promise<void> {
    // One that lies so far ahead was stamped before the clock was set back: waiting for it would be blindness.
    const isOld = row.last_look_at !== null && Math.abs(clock.now() - row.last_look_at) >= LOOK_AGAIN_MS
    const question = {
      settings,
      ...sighting,
      looks: row.looks,
      lastAttempted: row.last_sample,
      isOverdue: isOld && sighting.bad > row.last_bad,
    }
    // Whether a look is due does not depend on the release before, which takes reading.
    if (judgeHealth({ ...question, previous: null }).verdict === 'no-look') return
    const rollout = await rollouts.get(row.rollout_id, null)
    const previous = await findBaseline(reads, sampling, successorOf(rollout), settings.minimumSample)
    const verdict = await judge(row.rollout_id, { ...question, previous }, sighting)
    const looked = {
      looks: verdict.looks,
      last_sample: verdict.lastAttempted,
      last_bad: sighting.bad,
      last_look_at: clock.now(),
    }
    if (verdict.verdict !== 'trip') {
      // Someone else's look counts instead of this one.
      await updateGuard(db, row, looked)
      return
    }
    const { leftOut, withoutNetwork } = sighting
    const figures = { ...verdict.figures, leftOut, withoutNetwork }
    await trip(rollout, { row, settings, ...guard }, { cause: verdict.cause, figures }, looked)
  }

  /**
   * As its figures say, unless that hangs on a few networks: else somebody who has only so many networks could make it
   * trip.
   */
  async function judge(
    rolloutId: string,
    question: HealthQuestion,
    { since, perNetwork, isBounded }: Sighting,
  ): Promise<HealthVerdict> {
    const verdict = judgeHealth(question)
    if (verdict.verdict !== 'trip' || !isBounded) return verdict
    const networks = DISTRUSTED_NETWORKS
    const doubtful = await countBadOfWorstNetworks(reads, rolloutId, { since, networks, perNetwork })
    if (tripsWithout(doubtful, question)) return verdict
    const { figures, looks, lastAttempted } = verdict
    return { verdict: 'green', figures, looks, lastAttempted }
  }

  async function trip(
    rollout: RolloutRow,
    guard: WatchedRollout,
    { cause, figures }: { cause: GuardCause; figures: GuardFigures },
    looked: Partial<GuardRow>,
  ): Promise<void> {
    const { action } = guard.settings
    const trip = { at: timestamp(clock.now()), cause, action, figures }

    await rollouts.hold(rollout, ['active', 'paused'], async (tx, change, before) => {
      const tripped = { ...looked, state: 'tripped' as const, tripped_at: clock.now() }
      if (!(await updateGuard(tx, guard.row, tripped))) throw problem('guard-state', 'Someone else has looked.')
      // Listeners are told of the cause before its effects.
      const rendered = rollouts.render(await rollouts.get(rollout.id, null, tx))
      const data: TrippedGuard = { rollout: rendered, action, cause, figures }
      await announcements.record(tx, change, { type: 'guard.tripped', appId: rollout.app_id, data: { ...data } })
      // Positions are taken before catalogs change, as by whoever publishes: else both would wait for each other.
      const back =
        action === 'roll-back' ? await placePrevious(tx, change, before, guard.settings, GUARD_AUTHOR) : PLACED_NOTHING
      await stop(tx, change, before, action)
      const { placed, passedOver } = back
      const backTo = placed && { version: placed.version, sequence: placed.sequence }
      const told: GuardTrip = { ...trip, rolloutId: placed?.id ?? null, backTo, passedOver }
      const { revision } = guard.row
      await updateGuard(tx, { ...guard.row, revision: revision + 1 }, { figures: JSON.stringify(told) })
      await audit.record(tx, GUARD_AUTHOR, {
        action: 'guard.tripped',
        subject: ['rollout', rollout.id],
        appId: rollout.app_id,
        after: told,
      })
    })
    log.warn({ rolloutId: rollout.id, action, cause, figures }, 'a guard has tripped')
  }

  /** What the action means for the rollout itself, which is active or paused. */
  async function stop(tx: Connection, change: Change, { id }: RolloutRow, action: GuardAction): Promise<void> {
    switch (action) {
      case 'notify':
        return
      case 'pause':
        return rollouts.transitionIn(tx, change, id, 'pause', GUARD_AUTHOR)
      case 'roll-back':
        return rollouts.transitionIn(tx, change, id, 'halt', GUARD_AUTHOR)
    }
  }

  return { watch }
}
