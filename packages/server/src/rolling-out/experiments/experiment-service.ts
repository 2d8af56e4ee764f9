import type { Experiment, ExperimentArm, ExperimentEnd, NewExperiment, Page } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { requireApp, type Actor } from '../../people/authors/actor.ts'
import type { AppRow, AppService } from '../../shipping/apps/app-service.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { type Author, nameOf } from '../../people/authors/author.ts'
import { nullableTimestamp, timestamp, type Clock } from '../../ground/clock.ts'
import type { Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { pageFromRows, type PageRequest } from '../../ground/http/paging.ts'
import type { ReleaseRow, ReleaseService } from '../../shipping/releases/release-service.ts'
import type { SignedStatement } from '../../shipping/signing/statement-service.ts'
import type { RolloutService } from '../rollouts/rollout-service.ts'
import {
  endExperiment,
  findExperiment,
  insertExperiment,
  listExperiments,
  type ExperimentRow,
} from './experiment-store.ts'
import { splitArms } from './split-arms.ts'

export type ExperimentService = ReturnType<typeof createExperimentService>

/**
 * A/B tests. An arm is an ordinary rollout, with its guard and its figures; what makes them a test is that the same
 * devices take part in all of them (one salt, one percentage), and each in one (disjoint slices).
 */
export function createExperimentService({
  db,
  changes,
  apps,
  releases,
  rollouts,
  audit,
  clock,
  newId,
}: {
  db: Database
  changes: Changes
  apps: AppService
  releases: ReleaseService
  rollouts: RolloutService
  audit: AuditService
  clock: Clock
  newId: () => string
}) {
  /** @throws problem experiment-not-found, or forbidden when the token is for another app */
  async function get(id: string, actor: Actor | null, connection: Connection = db): Promise<ExperimentRow> {
    const row = await findExperiment(connection, id)
    if (!row) throw problem('experiment-not-found', `No experiment has the id ${id}.`)
    requireApp(actor, row.app_id)
    return row
  }

  async function list(app: AppRow, page: PageRequest): Promise<Page<Experiment>> {
    return pageFromRows(await listExperiments(db, app.id, page), page, renderExperiment)
  }

  /**
   * Arms that come stated again take their sequences in the order of their releases, from the oldest.
   * @throws problem release-not-found, channel-not-found, those of a statement, or invalid-request when the arms do not
   *   make a test
   */
  async function create(app: AppRow, input: NewExperiment, author: Author): Promise<Experiment> {
    requireDistinct(input)
    const id = newId()
    const slices = splitArms(
      input.arms.map((arm) => arm.weight),
      `${id}:arms`,
    )
    const percentage = input.percentage ?? 100
    const row = await changes.run(async (tx, change) => {
      const tested = await Promise.all(input.arms.map((arm) => getRelease(tx, app, arm.releaseId)))
      const platform = samePlatform(tested)
      const arms: ExperimentArm[] = []
      for (const index of fromTheOldest(tested)) {
        const arm = input.arms[index]
        if (!arm) continue
        const placed = await rollouts.createIn(
          tx,
          change,
          app,
          {
            releaseId: arm.releaseId,
            ...restatedBy(arm),
            channel: input.channel,
            percentage,
            slice: slices[index],
            salt: id,
            experimentId: id,
          },
          author,
        )
        const { name, weight, releaseId } = arm
        arms[index] = { name, weight, releaseId, rolloutId: placed.id, version: placed.version ?? '' }
      }
      const row: ExperimentRow = {
        id,
        app_id: app.id,
        platform,
        channel: input.channel,
        name: input.name,
        state: 'running',
        percentage,
        arms: JSON.stringify(arms),
        winner: null,
        created_at: clock.now(),
        created_by: nameOf(author),
        finished_at: null,
      }
      await insertExperiment(tx, row)
      await audit.record(tx, author, { ...subjectOf(row), action: 'experiment.started', after: renderExperiment(row) })
      return row
    })
    return renderExperiment(row)
  }

  /** Nothing is said of another app's. */
  async function getRelease(tx: Connection, app: AppRow, id: string): Promise<ReleaseRow> {
    const release = await releases.get(id, tx)
    if (release.app_id === app.id) return release
    throw problem('release-not-found', `The app has no release with the id ${id} to place.`)
  }

  /**
   * The winner's release goes to all of the channel, on top; the arms keep whom they have and take no more.
   * Without a winner the arms are withdrawn: everybody goes back to what lies below them.
   * @throws problem experiment-state when it has ended, invalid-request when it has no such arm
   */
  async function finish(experiment: ExperimentRow, end: ExperimentEnd, author: Author): Promise<Experiment> {
    const app = await apps.get(experiment.app_id)
    const { winner } = end
    const row = await changes.run(async (tx, change) => {
      const finishedAt = clock.now()
      if (!(await endExperiment(tx, experiment.id, { winner, finishedAt }))) {
        throw problem('experiment-state', `Expected an experiment that is running; "${experiment.name}" has ended.`)
      }
      const row = { ...experiment, state: 'finished' as const, winner, finished_at: finishedAt }
      const arms = armsOf(experiment)
      const won = arms.find((arm) => arm.name === winner)
      if (winner !== null && !won) {
        throw problem('invalid-request', `winner: expected one of ${arms.map((arm) => arm.name).join(', ')}, or null.`)
      }
      const armIds = arms.map((arm) => arm.rolloutId)
      await rollouts.lockAll(tx, armIds)
      if (won) {
        const input = { releaseId: won.releaseId, channel: experiment.channel, ...restatedBy(end) }
        await rollouts.createIn(tx, change, app, input, author)
      }
      for (const arm of arms) {
        await rollouts.transitionIn(tx, change, arm.rolloutId, won ? 'pause' : 'withdraw', author)
      }
      await audit.record(tx, author, {
        ...subjectOf(row),
        action: 'experiment.finished',
        before: renderExperiment(experiment),
        after: renderExperiment(row),
      })
      return row
    })
    return renderExperiment(row)
  }

  return { get, list, create, finish }
}

function restatedBy({ statement, statementSignature }: SignedStatement) {
  return {
    ...(statement !== undefined && { statement }),
    ...(statementSignature !== undefined && { statementSignature }),
  }
}

function requireDistinct({ arms }: NewExperiment): void {
  const names = new Set(arms.map((arm) => arm.name))
  const releaseIds = new Set(arms.map((arm) => arm.releaseId))
  if (names.size < arms.length) throw problem('invalid-request', 'arms: expected a name of its own for each.')
  if (releaseIds.size < arms.length) throw problem('invalid-request', 'arms: expected a release of its own for each.')
}

/** The newest release is placed last, on top: a device that ran another one before moves to its arm, and never back (D7). */
function fromTheOldest(releases: readonly ReleaseRow[]): number[] {
  const indexes = releases.map((_, index) => index)
  return indexes.toSorted((a, b) => (releases[a]?.sequence ?? 0) - (releases[b]?.sequence ?? 0))
}

function samePlatform(releases: readonly ReleaseRow[]): ReleaseRow['platform'] {
  const [first, ...others] = releases
  if (first && others.every((release) => release.platform === first.platform)) return first.platform
  const found = releases.map((release) => `${release.version} for ${release.platform}`).join(', ')
  throw problem('invalid-request', `arms: expected releases for one platform, found ${found}.`)
}

function subjectOf(row: ExperimentRow) {
  return { subject: ['experiment', row.id] as const, appId: row.app_id }
}

function armsOf(row: ExperimentRow): ExperimentArm[] {
  return JSON.parse(row.arms) as ExperimentArm[]
}

export function renderExperiment(row: ExperimentRow): Experiment {
  return {
    id: row.id,
    appId: row.app_id,
    platform: row.platform,
    channel: row.channel,
    name: row.name,
    state: row.state,
    percentage: row.percentage,
    arms: armsOf(row),
    winner: row.winner,
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
    finishedAt: nullableTimestamp(row.finished_at),
  }
}
