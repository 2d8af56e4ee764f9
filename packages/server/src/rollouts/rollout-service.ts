import type {
  GuardChoice,
  GuardSettings,
  NewRollback,
  NewRollout,
  Page,
  Rollout,
  RolloutChanges,
  RolloutFilter,
  RolloutPlan,
} from '@hotpatch/api'
import { problem, type Platform, type RolloutState } from '@hotpatch/protocol'
import { requireApp, type Actor } from '../access/actor.ts'
import { platformsOf, type AppService } from '../apps/app-service.ts'
import type { AppRow } from '../apps/app-service.ts'
import type { AnnouncementService, AnnouncementType } from '../announcements/announcement-service.ts'
import type { AuditService, Author } from '../audit/audit-service.ts'
import type { ChannelService } from '../channels/channel-service.ts'
import { nullableTimestamp, readTimestamp, timestamp, type Clock } from '../clock.ts'
import type { Connection, Database } from '../database/schema.ts'
import { pageFromRows, type PageRequest } from '../http/paging.ts'
import { readPlan } from '../plans/read-plan.ts'
import { requirePlatform, type ReleaseService } from '../releases/release-service.ts'
import type { ReleaseRow } from '../releases/release-service.ts'
import { audienceChanges, audienceColumns, renderAudience, type NewAudience } from './audience.ts'
import {
  findPlacedRelease,
  findRollout,
  insertRollout,
  listDueStarts,
  listRollouts,
  listRolloutsOfRelease,
  lockRollout,
  raiseGenerations,
  updateRolloutIn,
  type RolloutRow,
} from './rollout-store.ts'
import { createRestatementReader, type Restatement, type SignedRestatement } from './restatement.ts'

export type { RolloutRow } from './rollout-store.ts'

/** Where something changed: the catalogs to compile anew. */
export interface CatalogChange {
  appId: string
  channel: string
  platforms: readonly Platform[]
}

/** What a new rollout is, besides where it goes. */
export interface Placement extends NewAudience {
  platform: Platform
  channel: string
  release: ReleaseRow | null
  percentage?: number | undefined
  plan?: RolloutPlan | undefined
  mandatory?: boolean | undefined
  startsAt?: string | undefined
  restated?: Restatement | undefined
  /** A roll-back's own: its guard may not roll back again. */
  isRollback?: boolean | undefined
  /** Of another rollout, so that the percentage means the same devices. */
  salt?: string | undefined
  buckets?: number | undefined
  guard?: GuardChoice | undefined
  /** A restatement of the release before, for its guard. */
  prepared?: SignedRestatement | undefined
}

/** What goes along with a rollout, in the transactions that place and change it: its plan, its guard. */
export interface RolloutCompanion {
  placed?(tx: Connection, rollout: RolloutRow, placement: Placement): Promise<void>
  /** A person wants this change. @throws the problem that it would make */
  refuse?(tx: Connection, rollout: RolloutRow, changes: RolloutChanges): Promise<void>
  /** The rollout is locked, and is changed as `after` says. */
  changed?(tx: Connection, before: RolloutRow, after: RolloutRow): Promise<void>
}

/** What happens to a rollout, as the audit log names it. */
export type RolloutAction = Extract<AnnouncementType, `rollout.${string}`> | 'rollout.rolled-back' | 'rollout.scheduled'

/** Halting and withdrawing are final: a halted rollout is never resurrected. */
const TRANSITIONS = {
  pause: { from: ['active'], to: 'paused', action: 'rollout.paused' },
  resume: { from: ['paused'], to: 'active', action: 'rollout.resumed' },
  halt: { from: ['active', 'paused'], to: 'halted', action: 'rollout.halted' },
  withdraw: { from: ['active', 'paused', 'halted'], to: 'withdrawn', action: 'rollout.withdrawn' },
} as const satisfies Record<string, { from: RolloutState[]; to: RolloutState; action: RolloutAction }>

export type RolloutTransition = keyof typeof TRANSITIONS

export type RolloutService = ReturnType<typeof createRolloutService>

export function createRolloutService({
  db,
  apps,
  channels,
  releases,
  audit,
  announcements,
  companions,
  clock,
  newId,
  announceCatalogs,
}: {
  db: Database
  apps: AppService
  channels: ChannelService
  releases: ReleaseService
  audit: AuditService
  announcements: AnnouncementService
  companions: readonly RolloutCompanion[]
  clock: Clock
  newId: () => string
  /** Called after a commit that changed a catalog; resolves when this server answers by it. */
  announceCatalogs: (change: CatalogChange) => Promise<void>
}) {
  const readRestatement = createRestatementReader({ apps, releases })

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
    action: 'rollout.started' | 'rollout.rolled-back',
  ): Promise<{ row: RolloutRow; change: CatalogChange }> {
    const { platform, channel, release, restated } = placement
    const id = newId()
    const now = clock.now()
    const startsAt = placement.startsAt === undefined ? null : readTimestamp(placement.startsAt, 'startsAt')
    const awaitsStart = startsAt !== null && startsAt > now
    const position = await channels.takePosition(tx, app.id, channel)
    const row = {
      id,
      app_id: app.id,
      platform,
      channel,
      position,
      release_id: release?.id ?? null,
      state: 'active' as const,
      starts_at: startsAt,
      awaits_start: awaitsStart ? 1 : 0,
      mandatory: placement.mandatory ? 1 : 0,
      percentage: firstPercentage(placement),
      ...audienceColumns(placement),
      ...bucketRule(app, id, placement),
      sequence: restated?.sequence ?? null,
      floor: restated?.floor ?? null,
      statement: restated?.statement ?? null,
      statement_signature: restated?.statementSignature ?? null,
      created_at: now,
      created_by: author.actor.name,
      updated_at: now,
    }
    await insertRollout(tx, row)
    const inserted = { ...row, version: release?.version ?? null, guard_state: null, guard_settings: null }
    for (const companion of companions) await companion.placed?.(tx, inserted, placement)
    const placed = await get(id, null, tx)
    await record(tx, author, awaitsStart ? 'rollout.scheduled' : action, undefined, placed)
    return { row: placed, change: await raise(tx, app, placed) }
  }

  /** In the audit log, and for those who listen: whoever calls this wakes them after the commit. */
  async function record(
    tx: Connection,
    author: Author,
    action: RolloutAction,
    before: RolloutRow | undefined,
    after: RolloutRow,
  ): Promise<void> {
    const rollout = renderRollout(after)
    await audit.record(tx, author, {
      action,
      subject: ['rollout', after.id],
      appId: after.app_id,
      ...(before && { before: renderRollout(before) }),
      after: rollout,
    })
    // A start is told when it comes.
    if (action === 'rollout.scheduled') return
    const type = action === 'rollout.rolled-back' ? 'rollback' : action
    const previous = before && { state: before.state, percentage: before.percentage }
    const data = { rollout, ...(previous && { previous }), by: author.actor.name }
    await announcements.record(tx, { type, appId: after.app_id, data })
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
    const { row, change } = await db.transaction().execute((tx) => createIn(tx, app, input, author))
    announcements.wake()
    await announceCatalogs(change)
    return renderRollout(row)
  }

  /** As `create`, within a transaction: the change is to be announced after it. */
  async function createIn(tx: Connection, app: AppRow, input: NewRollout & NewAudience, author: Author) {
    const plan = readPlan(input)
    const release = await releases.get(input.releaseId, tx)
    if (release.app_id !== app.id || release.archived_at !== null) {
      throw problem('release-not-found', `The app has no release with the id ${input.releaseId} to place.`)
    }
    const { platform } = release
    const restated = await readRestatement(tx, app, platform, release, input)
    return place(tx, app, { ...input, plan, release, platform, restated }, author, 'rollout.started')
  }

  /** A new rollout, on top, of an older release of the channel or of what the binary shipped with. */
  async function rollBack(app: AppRow, input: NewRollback, author: Author): Promise<Rollout> {
    requirePlatform(app, input.platform)
    const { row, change } = await db.transaction().execute(async (tx) => {
      const release = input.to === 'embedded' ? null : await getPlaced(tx, app, input, input.to)
      const restated = await readRestatement(tx, app, input.platform, release, input)
      return place(tx, app, { ...input, release, restated, isRollback: true }, author, 'rollout.rolled-back')
    })
    announcements.wake()
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

  async function change(rollout: RolloutRow, changes: RolloutChanges, author: Author): Promise<Rollout> {
    const { percentage, mandatory, startsAt } = changes
    const requireAllowed = async (tx: Connection, before: RolloutRow) => {
      const hasStarted = before.starts_at === null || before.starts_at <= clock.now()
      if (startsAt !== undefined && hasStarted) {
        throw problem('rollout-state', 'This rollout has started: its start cannot be moved any more.')
      }
      if (percentage !== undefined && before.experiment_id !== null) {
        throw problem('rollout-state', 'This rollout is an arm of an A/B test, whose arms all have one percentage.')
      }
      for (const companion of companions) await companion.refuse?.(tx, before, changes)
    }
    const start = startsAt !== undefined && {
      starts_at: startsAt === null ? null : readTimestamp(startsAt, 'startsAt'),
      // Told by the next round, also when it is now.
      awaits_start: 1,
    }
    const columns = {
      ...(percentage !== undefined && { percentage }),
      ...(mandatory !== undefined && { mandatory: mandatory ? 1 : 0 }),
      ...start,
      ...audienceChanges(changes),
    }
    return apply(rollout, ['active', 'paused'], 'rollout.changed', author, columns, requireAllowed)
  }

  async function transition(rollout: RolloutRow, name: RolloutTransition, author: Author): Promise<Rollout> {
    const { from, to, action } = TRANSITIONS[name]
    if (rollout.state === to) return renderRollout(rollout)
    return apply(rollout, from, action, author, { state: to })
  }

  /**
   * Within a transaction, for those that change more than the rollout. Undefined when its state does not allow it any
   * more. Afterwards the change is to be announced, and listeners are to be woken.
   */
  async function transitionIn(
    tx: Connection,
    rolloutId: string,
    name: RolloutTransition,
    author: Author,
  ): Promise<CatalogChange | undefined> {
    const { from, to, action } = TRANSITIONS[name]
    await lockRollout(tx, rolloutId)
    const before = await get(rolloutId, author.actor, tx)
    if (!(from as readonly RolloutState[]).includes(before.state)) return undefined
    return (await applyIn(tx, before, from, action, author, { state: to })).change
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
    changes: Partial<RolloutRow>,
    within?: (tx: Connection, before: RolloutRow) => Promise<Partial<RolloutRow> | void>,
  ): Promise<Rollout> {
    const { after, change } = await db.transaction().execute(async (tx) => {
      await lockRollout(tx, rollout.id)
      const before = await get(rollout.id, author.actor, tx)
      const more = from.includes(before.state) ? await within?.(tx, before) : undefined
      return applyIn(tx, before, from, action, author, { ...changes, ...more })
    })
    announcements.wake()
    await announceCatalogs(change)
    return renderRollout(after)
  }

  /** @param before locked by this transaction */
  async function applyIn(
    tx: Connection,
    before: RolloutRow,
    from: readonly RolloutState[],
    action: RolloutAction,
    author: Author,
    changes: Partial<RolloutRow>,
  ): Promise<{ after: RolloutRow; change: CatalogChange }> {
    if (!(await updateRolloutIn(tx, before.id, from, { ...changes, updated_at: clock.now() }))) {
      throw problem('rollout-state', `Expected a rollout that is ${from.join(' or ')}; this one is ${before.state}.`)
    }
    const changed = await get(before.id, null, tx)
    for (const companion of companions) await companion.changed?.(tx, before, changed)
    const after = await get(before.id, null, tx)
    await record(tx, author, action, before, after)
    return { after, change: await raise(tx, await apps.get(before.app_id, tx), after) }
  }

  /**
   * Does something with the rollout locked, which itself stays as it is.
   * @throws problem rollout-state
   */
  async function hold(
    rollout: RolloutRow,
    states: readonly RolloutState[],
    within: (tx: Connection, rollout: RolloutRow) => Promise<void>,
  ): Promise<void> {
    await db.transaction().execute(async (tx) => {
      await lockRollout(tx, rollout.id)
      const before = await get(rollout.id, null, tx)
      if (!states.includes(before.state)) {
        throw problem(
          'rollout-state',
          `Expected a rollout that is ${states.join(' or ')}; this one is ${before.state}.`,
        )
      }
      await within(tx, before)
    })
    announcements.wake()
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

  /** Withdraws every rollout of a release that is archived. */
  async function withdrawAllOf(tx: Connection, releaseId: string, author: Author) {
    const changes: CatalogChange[] = []
    for (const { id } of await listRolloutsOfRelease(tx, releaseId)) {
      const change = await transitionIn(tx, id, 'withdraw', author)
      if (change) changes.push(change)
    }
    return changes
  }

  async function list(app: AppRow, filter: RolloutFilter, page: PageRequest): Promise<Page<Rollout>> {
    return pageFromRows(await listRollouts(db, app.id, filter, page), page, renderRollout)
  }

  return {
    get,
    place,
    create,
    rollBack,
    change,
    apply,
    hold,
    transition,
    transitionIn,
    createIn,
    withdrawAllOf,
    list,
    listDueStarts: (limit: number) => listDueStarts(db, clock.now(), limit),
    tellStart,
    render: renderRollout,
  }
}

function firstPercentage({ plan, percentage }: Placement): number {
  return plan?.steps[0]?.percentage ?? percentage ?? 100
}

function bucketRule(app: AppRow, rolloutId: string, { salt, buckets }: Pick<Placement, 'salt' | 'buckets'>) {
  return {
    salt: salt ?? (app.bucketing === 'per-rollout' ? rolloutId : ''),
    buckets: buckets ?? (app.bucketing === 'original' ? 100 : 10_000),
  }
}

function renderGuard({ guard_state: state, guard_settings: settings }: RolloutRow): Rollout['guard'] {
  if (state === null || settings === null) return null
  const { isOn, action } = JSON.parse(settings) as GuardSettings
  return { state, isOn, action }
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
    ...renderAudience(row),
    salt: row.salt,
    buckets: row.buckets,
    guard: renderGuard(row),
    sequence: row.sequence,
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
    updatedAt: timestamp(row.updated_at),
  }
}
