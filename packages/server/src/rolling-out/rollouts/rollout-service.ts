import type { InForce, NewRollback, NewRollout, Page, Rollout, RolloutDeed, RolloutFilter } from '@hotpatch/api'
import { problem, type Requirement } from '@hotpatch/protocol'
import type { AnnouncementService } from '../../telling/announcements/announcement-service.ts'
import { platformsOf, type AppRow, type AppService } from '../../shipping/apps/app-service.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import type { Author } from '../../people/authors/author.ts'
import type { ChannelService } from '../../shipping/channels/channel-service.ts'
import type { Clock } from '../../ground/clock.ts'
import type { Change, Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { pageFromRows, type PageRequest } from '../../ground/http/paging.ts'
import type { ReleaseRow, ReleaseService } from '../../shipping/releases/release-service.ts'
import type { StatementService } from '../../shipping/signing/statement-service.ts'
import { createChanging, requireRevision } from './change-rollouts.ts'
import { createPlacing } from './place-rollouts.ts'
import type { RolloutCompanion, RolloutGate } from './placement.ts'
import { deedOf } from './rollout-deeds.ts'
import { renderCovering, renderRollout } from './render-rollout.ts'
import { findCovering, listCovering, listInForce } from './rollout-queries.ts'
import { createRolloutRecords } from './rollout-records.ts'
import { listChannelsOf, listDueStarts, listForEveryone, listRollouts, type RolloutRow } from './rollout-store.ts'

export type { RolloutTransition } from './change-rollouts.ts'
export { approvalAwaited } from './change-rollouts.ts'
export type { RolloutCompanion, RolloutGate } from './placement.ts'
export type { RolloutRow } from './rollout-store.ts'

export type RolloutService = ReturnType<typeof createRolloutService>

/** Mutable policy: which release is placed where, for whom, and whether it is in force. */
export function createRolloutService({
  db,
  changes,
  apps,
  channels,
  releases,
  statements,
  audit,
  announcements,
  companions,
  gate,
  clock,
  newId,
}: {
  db: Database
  changes: Changes
  apps: AppService
  channels: ChannelService
  releases: ReleaseService
  statements: StatementService
  audit: AuditService
  announcements: AnnouncementService
  companions: readonly RolloutCompanion[]
  gate: RolloutGate
  clock: Clock
  newId: () => string
}) {
  const records = createRolloutRecords({ audit, announcements })
  const placing = createPlacing({ apps, channels, releases, statements, companions, gate, records, clock, newId })
  const changing = createChanging({ db, changes, apps, companions, gate, records, clock })

  function create(app: AppRow, input: NewRollout, author: Author): Promise<Rollout> {
    return placed(input, (tx, change) => placing.createIn(tx, change, app, input, author))
  }

  function rollBack(app: AppRow, input: NewRollback, author: Author): Promise<Rollout> {
    return placed(input, (tx, change) => placing.rollBackIn(tx, change, app, input, author))
  }

  async function placed(
    { dryRun = false }: { dryRun?: boolean | undefined },
    place: (tx: Connection, change: Change) => Promise<RolloutRow>,
  ): Promise<Rollout> {
    return renderRollout(await (dryRun ? changes.rehearse(place) : changes.run(place)))
  }

  async function list(app: AppRow, filter: RolloutFilter, page: PageRequest): Promise<Page<Rollout>> {
    const rows = await listRollouts(db, app.id, filter, page)
    const show = await shownOf(app.id, rows)
    return pageFromRows(rows, page, show)
  }

  async function show(rollout: RolloutRow): Promise<Rollout> {
    return (await shownOf(rollout.app_id, [rollout]))(rollout)
  }

  /** What devices of a channel are offered now. @throws problem channel-not-found */
  async function inForce(app: AppRow, channel: string): Promise<InForce> {
    await channels.require(app.id, channel)
    const found = platformsOf(app).map(async (platform) => {
      const { rows, reachesAll } = await listInForce(db, { appId: app.id, platform, channel }, clock.now())
      return { platform, rollouts: rows.map(renderRollout), reachesAll }
    })
    return { items: await Promise.all(found) }
  }

  /** Who did what to it, newest first. */
  async function listDeeds({ id }: RolloutRow, page: PageRequest): Promise<Page<RolloutDeed>> {
    const { items, nextCursor } = await audit.list({ appIds: null, subjectId: id }, page)
    return { items: items.map(deedOf), nextCursor }
  }

  /** With what covers it. */
  async function shownOf(appId: string, rows: readonly RolloutRow[]): Promise<(row: RolloutRow) => Rollout> {
    const channels = [...new Set(rows.map(({ channel }) => channel))]
    const covering = channels.length === 0 ? [] : await listCovering(db, appId, channels, clock.now())
    return (row) => ({ ...renderRollout(row), coveredBy: renderCovering(findCovering(row, covering)) })
  }

  /**
   * What the channel had for everyone before a release came, and still has for the same binaries; undefined: what they
   * shipped with. Nobody goes back to what has not begun, is only tried or was stopped, nor to what was itself gone back
   * from to this release.
   * @throws problem rollback-target-invalid where that would send other binaries back, too
   */
  async function findBefore(app: AppRow, { id, version, platform, requirement }: ReleaseRow, channel: string) {
    const all = await listForEveryone(db, { appId: app.id, platform, channel, now: clock.now() }, id)
    const own = runtimeVersionOf(requirement)
    const isForSame = (row: { requirement: string | null }) => {
      const runtimeVersion = row.requirement === null ? undefined : runtimeVersionOf(row.requirement)
      return runtimeVersion === undefined || runtimeVersion === own
    }
    const before = all.find((row) => Boolean(row.is_before) && isForSame(row))
    if (before || all.every(isForSame)) return before?.release_id ?? undefined
    const detail =
      `Before ${version} the channel "${channel}" had nothing for its runtime version, and it has updates for others, ` +
      'which would go back to what the binary shipped with, too. Halt it instead, or say what to go back to.'
    throw problem('rollback-target-invalid', detail)
  }

  return {
    ...changing,
    place: placing.place,
    createIn: placing.createIn,
    create,
    rollBack,
    list,
    show,
    inForce,
    listDeeds,
    requireRevision,
    listChannelsOf: (releaseId: string, connection: Connection = db) => listChannelsOf(connection, releaseId),
    findBefore,
    listDueStarts: (limit: number) => listDueStarts(db, clock.now(), limit),
    render: renderRollout,
  }
}

function runtimeVersionOf(requirement: string): string | undefined {
  return (JSON.parse(requirement) as Requirement).runtimeVersion
}
