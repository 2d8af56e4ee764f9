import type { NewRollback, NewRollout, Page, Rollout, RolloutChanges, RolloutFilter } from '@hotpatch/api'
import { problem, type Platform, type RolloutState } from '@hotpatch/protocol'
import { requireApp, type Actor } from '../access/actor.ts'
import { platformsOf, type AppService } from '../apps/app-service.ts'
import type { AppRow } from '../apps/app-service.ts'
import type { AuditService, Author } from '../audit/audit-service.ts'
import type { ChannelService } from '../channels/channel-service.ts'
import { nullableTimestamp, readTimestamp, timestamp, type Clock } from '../clock.ts'
import type { Connection, Database } from '../database/schema.ts'
import { pageFromRows, type PageRequest } from '../http/paging.ts'
import { requirePlatform, requirementOf, type ReleaseService } from '../releases/release-service.ts'
import type { ReleaseRow } from '../releases/release-service.ts'
import { checkStatement } from '../releases/statement-check.ts'
import {
  findPlacedRelease,
  findRollout,
  insertRollout,
  listRollouts,
  listRolloutsOfRelease,
  lockRollout,
  raiseGenerations,
  updateRolloutIn,
  type RolloutRow,
} from './rollout-store.ts'

/** Where something changed: the catalogs to compile anew. */
export interface CatalogChange {
  appId: string
  channel: string
  platforms: readonly Platform[]
}

/** What a new rollout is, besides where it goes. */
interface Placement {
  platform: Platform
  channel: string
  release: ReleaseRow | null
  percentage?: number | undefined
  mandatory?: boolean | undefined
  startsAt?: string | undefined
  devices?: string[] | undefined
  cohorts?: string[] | undefined
  restated?: { sequence: number; floor: number; statement: string; statementSignature: string } | undefined
}

/** Halting and withdrawing are final: a halted rollout is never resurrected. */
const TRANSITIONS = {
  pause: { from: ['active'], to: 'paused', action: 'rollout.paused' },
  resume: { from: ['paused'], to: 'active', action: 'rollout.resumed' },
  halt: { from: ['active', 'paused'], to: 'halted', action: 'rollout.halted' },
  withdraw: { from: ['active', 'paused', 'halted'], to: 'withdrawn', action: 'rollout.withdrawn' },
} as const satisfies Record<string, { from: RolloutState[]; to: RolloutState; action: string }>

export type RolloutTransition = keyof typeof TRANSITIONS

export type RolloutService = ReturnType<typeof createRolloutService>

export function createRolloutService({
  db,
  apps,
  channels,
  releases,
  audit,
  clock,
  newId,
  announceCatalogs,
}: {
  db: Database
  apps: AppService
  channels: ChannelService
  releases: ReleaseService
  audit: AuditService
  clock: Clock
  newId: () => string
  /** Called after a commit that changed a catalog; resolves when this server answers by it. */
  announceCatalogs: (change: CatalogChange) => Promise<void>
}) {
  /** @throws problem rollout-not-found, or forbidden when the token is for another app */
  async function get(id: string, actor: Actor | null, connection: Connection = db): Promise<RolloutRow> {
    const row = await findRollout(connection, id)
    if (!row) throw problem('rollout-not-found', `No rollout has the id ${id}.`)
    requireApp(actor, row.app_id)
    return row
  }

  /** Puts a rollout on top of its channel, within the caller's transaction. */
  async function place(
    tx: Connection,
    app: AppRow,
    placement: Placement,
    author: Author,
    action: string,
  ): Promise<{ row: RolloutRow; change: CatalogChange }> {
    const { platform, channel, release, restated } = placement
    const id = newId()
    const now = clock.now()
    const position = await channels.takePosition(tx, app.id, channel)
    const row = {
      id,
      app_id: app.id,
      platform,
      channel,
      position,
      release_id: release?.id ?? null,
      state: 'active' as const,
      starts_at: placement.startsAt === undefined ? null : readTimestamp(placement.startsAt, 'startsAt'),
      mandatory: placement.mandatory ? 1 : 0,
      percentage: placement.percentage ?? 100,
      devices: JSON.stringify(placement.devices ?? []),
      cohorts: JSON.stringify(placement.cohorts ?? []),
      rules: '[]',
      slice: null,
      experiment_id: null,
      ...bucketRule(app, id),
      sequence: restated?.sequence ?? null,
      floor: restated?.floor ?? null,
      statement: restated?.statement ?? null,
      statement_signature: restated?.statementSignature ?? null,
      created_at: now,
      created_by: author.actor.name,
      updated_at: now,
    }
    await insertRollout(tx, row)
    const placed = { ...row, version: release?.version ?? null }
    await audit.record(tx, author, {
      action,
      subject: ['rollout', id],
      appId: app.id,
      after: renderRollout(placed),
    })
    return { row: placed, change: await raise(tx, app, placed) }
  }

  async function raise(
    tx: Connection,
    app: AppRow,
    { platform, channel }: { platform: Platform; channel: string },
  ): Promise<CatalogChange> {
    // A release for any platform is in the catalogs of all of them.
    const platforms = platform === 'any' ? [...new Set([...platformsOf(app), 'any' as const])] : [platform]
    await raiseGenerations(tx, app.id, channel, platforms)
    return { appId: app.id, channel, platforms }
  }

  /** Places a release that exists on another channel, or on the same one anew. */
  async function create(app: AppRow, input: NewRollout, author: Author): Promise<Rollout> {
    const { row, change } = await db.transaction().execute(async (tx) => {
      const release = await releases.get(input.releaseId, tx)
      if (release.app_id !== app.id || release.archived_at !== null) {
        throw problem('release-not-found', `The app has no release with the id ${input.releaseId} to place.`)
      }
      const { platform } = release
      const restated = await readRestatement(tx, app, platform, release, input)
      return place(tx, app, { ...input, release, platform, restated }, author, 'rollout.started')
    })
    await announceCatalogs(change)
    return renderRollout(row)
  }

  /** A new rollout, on top, of an older release of the channel or of what the binary shipped with. */
  async function rollBack(app: AppRow, input: NewRollback, author: Author): Promise<Rollout> {
    requirePlatform(app, input.platform)
    const { row, change } = await db.transaction().execute(async (tx) => {
      const release = input.to === 'embedded' ? null : await getPlaced(tx, app, input, input.to)
      const restated = await readRestatement(tx, app, input.platform, release, input)
      return place(tx, app, { ...input, release, restated }, author, 'rollout.rolled-back')
    })
    await announceCatalogs(change)
    return renderRollout(row)
  }

  async function getPlaced(
    tx: Connection,
    app: AppRow,
    { platform, channel }: { platform: Platform; channel: string },
    wanted: { version: string } | { releaseId: string },
  ): Promise<ReleaseRow> {
    const release = await findPlacedRelease(tx, { appId: app.id, platform, channel }, wanted)
    if (release) return release
    const name = 'version' in wanted ? `Version ${wanted.version}` : `The release ${wanted.releaseId}`
    throw problem(
      'rollback-target-invalid',
      `${name} for ${platform} was never on the channel "${channel}", or is archived.`,
    )
  }

  /** Signing §6: the old content stated again under the next sequence, so that devices may go down to it. */
  async function readRestatement(
    tx: Connection,
    app: AppRow,
    platform: Platform,
    release: ReleaseRow | null,
    { statement, statementSignature }: Pick<NewRollback, 'statement' | 'statementSignature'>,
  ): Promise<Placement['restated']> {
    if (statement === undefined && statementSignature === undefined) return undefined
    if (statement === undefined || statementSignature === undefined) {
      throw problem('invalid-request', 'Expected statement and statementSignature together, found one of them.')
    }
    const content = {
      appId: app.id,
      platform,
      release: release && {
        version: release.version,
        sha256: release.sha256,
        sizeBytes: release.size_bytes,
        requirement: requirementOf(release),
      },
    }
    const checked = checkStatement({ statement, statementSignature }, await apps.listWorkingKeys(app.id, tx), content)
    const { sequence, floor } = checked.statement
    await releases.claimSequence(tx, app, platform, sequence)
    return { sequence, floor, statement: checked.text, statementSignature }
  }

  async function change(rollout: RolloutRow, changes: RolloutChanges, author: Author): Promise<Rollout> {
    const { percentage, mandatory, startsAt, devices, cohorts } = changes
    const hasStarted = rollout.starts_at === null || rollout.starts_at <= clock.now()
    if (startsAt !== undefined && hasStarted) {
      throw problem('rollout-state', 'This rollout has started: its start cannot be moved any more.')
    }
    return apply(rollout, ['active', 'paused'], 'rollout.changed', author, {
      ...(percentage !== undefined && { percentage }),
      ...(mandatory !== undefined && { mandatory: mandatory ? 1 : 0 }),
      ...(startsAt !== undefined && { starts_at: startsAt === null ? null : readTimestamp(startsAt, 'startsAt') }),
      ...(devices && { devices: JSON.stringify(devices) }),
      ...(cohorts && { cohorts: JSON.stringify(cohorts) }),
    })
  }

  async function transition(rollout: RolloutRow, name: RolloutTransition, author: Author): Promise<Rollout> {
    const { from, to, action } = TRANSITIONS[name]
    if (rollout.state === to) return renderRollout(rollout)
    return apply(rollout, from, action, author, { state: to })
  }

  /** Compare-and-set on the state: of two at once that exclude each other, one wins and the other is told. */
  async function apply(
    rollout: RolloutRow,
    from: readonly RolloutState[],
    action: string,
    author: Author,
    changes: Partial<RolloutRow>,
  ): Promise<Rollout> {
    const app = await apps.get(rollout.app_id)
    const { after, change: raised } = await db.transaction().execute(async (tx) => {
      await lockRollout(tx, rollout.id)
      const before = await get(rollout.id, author.actor, tx)
      if (!(await updateRolloutIn(tx, rollout.id, from, { ...changes, updated_at: clock.now() }))) {
        throw problem('rollout-state', `Expected a rollout that is ${from.join(' or ')}; this one is ${before.state}.`)
      }
      const changed = await get(rollout.id, author.actor, tx)
      await audit.record(tx, author, {
        action,
        subject: ['rollout', rollout.id],
        appId: rollout.app_id,
        before: renderRollout(before),
        after: renderRollout(changed),
      })
      return { after: changed, change: await raise(tx, app, changed) }
    })
    await announceCatalogs(raised)
    return renderRollout(after)
  }

  /** Withdraws every rollout of a release that is archived. */
  async function withdrawAllOf(tx: Connection, app: AppRow, releaseId: string, author: Author) {
    const changes: CatalogChange[] = []
    for (const before of await listRolloutsOfRelease(tx, releaseId)) {
      const { from, to, action } = TRANSITIONS.withdraw
      const now = clock.now()
      if (!(await updateRolloutIn(tx, before.id, from, { state: to, updated_at: now }))) continue
      await audit.record(tx, author, {
        action,
        subject: ['rollout', before.id],
        appId: app.id,
        before: renderRollout(before),
        after: renderRollout({ ...before, state: to, updated_at: now }),
      })
      changes.push(await raise(tx, app, before))
    }
    return changes
  }

  async function list(app: AppRow, filter: RolloutFilter, page: PageRequest): Promise<Page<Rollout>> {
    return pageFromRows(await listRollouts(db, app.id, filter, page), page, renderRollout)
  }

  return { get, place, create, rollBack, change, transition, withdrawAllOf, list }
}

function bucketRule(app: AppRow, rolloutId: string): { salt: string; buckets: 100 | 10_000 } {
  switch (app.bucketing) {
    case 'per-rollout':
      return { salt: rolloutId, buckets: 10_000 }
    case 'per-app':
      return { salt: '', buckets: 10_000 }
    case 'original':
      return { salt: '', buckets: 100 }
  }
}

export function renderRollout(row: RolloutRow): Rollout {
  return {
    id: row.id,
    appId: row.app_id,
    platform: row.platform,
    channel: row.channel,
    position: row.position,
    target: row.release_id === null ? 'embedded' : 'release',
    releaseId: row.release_id,
    version: row.version,
    state: row.state,
    startsAt: nullableTimestamp(row.starts_at),
    mandatory: row.mandatory === 1,
    percentage: row.percentage,
    devices: JSON.parse(row.devices) as string[],
    cohorts: JSON.parse(row.cohorts) as string[],
    salt: row.salt,
    buckets: row.buckets,
    sequence: row.sequence,
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
    updatedAt: timestamp(row.updated_at),
  }
}
