import type { Guard, GuardChanges, SteppedBack } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { AuditService } from '../../people/audit/audit-service.ts'
import type { Author } from '../../people/authors/author.ts'
import { timestamp, type Clock } from '../../ground/clock.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { NOBODY_LEFT_OUT } from '../../fleet/progress/bounded-sample.ts'
import type { Sampling } from '../../fleet/progress/sampling.ts'
import type { ReleaseRow, ReleaseService } from '../../shipping/releases/release-service.ts'
import type { RolloutPlace } from '../rollouts/rollout-queries.ts'
import type { RolloutRow, RolloutService } from '../rollouts/rollout-service.ts'
import { rearmed } from './guard-companion.ts'
import { readGuard, readSightings, type WatchedRollout } from './guard-rows.ts'
import { findGuard, updateGuard, type GuardRow } from './guard-store.ts'
import { badToTrip, readFigures } from './judge-health.ts'
import { findStepBack, PLACED_NOTHING, type PlacePrevious } from './place-previous.ts'
import { listStepsBack } from './step-back-store.ts'
import { findBaseline, findTargets, findWayBack, nextSuccessor, successorOf, type WayBack } from './previous-release.ts'

export type GuardService = ReturnType<typeof createGuardService>

/** What people and plans want of guards; what guards do by themselves is in guard-watch.ts. */
export function createGuardService({
  db,
  reads = db,
  releases,
  rollouts,
  placePrevious,
  audit,
  sampling,
  clock,
}: {
  db: Database
  /** For sums over many hours; `db` when it blocks nobody. */
  reads?: Database
  sampling: Sampling
  releases: ReleaseService
  rollouts: RolloutService
  placePrevious: PlacePrevious
  audit: AuditService
  clock: Clock
}) {
  /** @throws problem guard-not-found */
  async function find(rolloutId: string, connection: Connection = db): Promise<GuardRow> {
    const row = await findGuard(connection, rolloutId)
    if (row) return row
    throw problem('guard-not-found', 'This rollout has no guard: it goes back to what the app binary shipped with.')
  }

  /** @throws problem guard-not-found */
  async function get(rollout: RolloutRow): Promise<Guard> {
    return render(rollout, readGuard(await find(rollout.id)))
  }

  /**
   * Changes how a rollout is judged, from its next look on. A guard that has tripped stays so.
   * @throws problem guard-not-found, or guard-state when the rollout has ended
   */
  async function change(rollout: RolloutRow, changes: GuardChanges, author: Author): Promise<Guard> {
    return alter(rollout, author, 'guard.changed', async (_tx, { settings }) => ({
      settings: JSON.stringify({ ...settings, ...changes }),
    }))
  }

  /**
   * A person has seen why it tripped: it watches again, from now on. One that watches goes on as it does.
   * @throws problem guard-not-found, or guard-state when the rollout has ended
   */
  async function rearm(rollout: RolloutRow, author: Author): Promise<Guard> {
    return alter(rollout, author, 'guard.rearmed', async (tx, { row }) =>
      row.state === 'tripped' ? rearmed(tx, rollout.id, clock.now()) : undefined,
    )
  }

  async function alter(
    rollout: RolloutRow,
    author: Author,
    action: 'guard.changed' | 'guard.rearmed',
    changesOf: (tx: Connection, guard: WatchedRollout) => Promise<Partial<GuardRow> | undefined>,
  ): Promise<Guard> {
    await db.transaction().execute(async (tx) => {
      // Whoever turns a guard off lets a rollout go on that it would stop.
      await rollouts.admit(tx, rollout, author, 'withdraws')
      const before = readGuard(await find(rollout.id, tx))
      if (before.row.state === 'over' || rollout.state === 'halted' || rollout.state === 'withdrawn') {
        throw problem('guard-state', `This guard is over: its rollout is ${rollout.state}.`)
      }
      const changes = await changesOf(tx, before)
      if (!changes) return
      if (!(await updateGuard(tx, before.row, changes))) {
        throw problem('guard-state', 'The guard was changed by someone else a moment ago. Look at it again.')
      }
      const after = readGuard({ ...before.row, ...changes })
      await audit.record(tx, author, {
        action,
        subject: ['rollout', rollout.id],
        appId: rollout.app_id,
        before: { state: before.row.state, settings: before.settings },
        after: { state: after.row.state, settings: after.settings },
      })
    })
    return get(rollout)
  }

  /**
   * Halts a rollout, and goes back for the same devices to what was before, as its guard would: to what its publisher has
   * signed in advance, where that was done.
   * @param seen its revision, as whoever decided this has seen it
   * @throws problem rollout-state, or rollout-changed
   */
  async function stepBack(rollout: RolloutRow, author: Author, seen?: number): Promise<SteppedBack> {
    let back = PLACED_NOTHING
    await rollouts.hold(rollout, ['active', 'paused'], async (tx, change, before) => {
      rollouts.requireRevision(before, seen)
      const guard = await findGuard(tx, before.id)
      back = await placePrevious(tx, change, before, guard && readGuard(guard).settings, author)
      await rollouts.transitionIn(tx, change, before.id, 'halt', author)
    })
    const { placed, passedOver } = back
    const halted = await rollouts.show(await rollouts.get(rollout.id, null))
    return { rollout: halted, placed: placed && rollouts.render(placed), passedOver }
  }

  /** Where that would go. */
  function findWayFrom(rollout: RolloutRow): Promise<WayBack | undefined> {
    return findStepBack(db, rollout, clock.now())
  }

  /** Whether nothing was found against a rollout: it may go further. A guard that is off finds nothing. */
  async function isGreen(rolloutId: string, connection: Connection): Promise<boolean> {
    const row = await findGuard(connection, rolloutId)
    return row === undefined || row.state === 'watching'
  }

  /** What the guard of a rollout that is placed now would go back to, and from there; a promoted release is no target. */
  async function findNextTargets(place: RolloutPlace, releaseId: string | null): Promise<ReleaseRow[]> {
    const targets = await findTargets(db, { ...nextSuccessor(place), releaseId })
    return Promise.all(targets.map((id) => releases.get(id)))
  }

  async function versionOf(releaseId: string | null): Promise<string | null> {
    return releaseId === null ? null : (await releases.get(releaseId)).version
  }

  async function render(rollout: RolloutRow, guard: WatchedRollout): Promise<Guard> {
    const { row, settings, trip } = guard
    const prepared = await listStepsBack(db, rollout.id)
    const sighting = (await readSightings(reads, sampling, [guard], clock.now())).get(rollout.id) ?? NOTHING_SEEN
    const { sample, bad, leftOut, withoutNetwork } = sighting
    const previous = await findBaseline(reads, sampling, successorOf(rollout), settings.minimumSample)
    const question = { settings, previous, looks: row.looks }
    const { releaseId: targetId, step } = await findWayBack(db, successorOf(rollout), prepared)
    const target = targetId === null ? undefined : await releases.get(targetId)
    return {
      rolloutId: rollout.id,
      state: row.state,
      settings,
      watchedSince: timestamp(row.since_at),
      looks: row.looks,
      figures: { ...readFigures({ ...question, sample, bad, looks: row.looks + 1 }), leftOut, withoutNetwork },
      toTrip: badToTrip({ ...question, sample: Math.max(sample, settings.minimumSample) }),
      goesBackTo: target ? { releaseId: target.id, version: target.version, isPrepared: step !== undefined } : null,
      prepared: await Promise.all(
        prepared.map(async ({ releaseId, statement: { sequence } }) => ({
          version: await versionOf(releaseId),
          sequence,
        })),
      ),
      trip,
    }
  }

  return { get, change, rearm, stepBack, findWayFrom, isGreen, findNextTargets }
}

const NOTHING_SEEN = { sample: 0, bad: 0, withoutNetwork: 0, leftOut: NOBODY_LEFT_OUT }
