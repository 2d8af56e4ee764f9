import { setImmediate } from 'node:timers/promises'
import {
  COHORT_LIMITS,
  type Cohort,
  type CohortDevice,
  type CohortRollout,
  type NewCohort,
  type Page,
  type PageQuery,
} from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { AppRow } from '../../shipping/apps/app-service.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { type Author, nameOf } from '../../people/authors/author.ts'
import { timestamp, type Clock } from '../../ground/clock.ts'
import type { Changes } from '../../ground/database/changes.ts'
import { isUniqueViolation } from '../../ground/database/database-errors.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { DeviceIdentity } from '../../fleet/devices/device-identity.ts'
import { isDeviceId } from '../../fleet/recording/device-report.ts'
import type { RolloutDeed, RolloutGate } from '../rollouts/placement.ts'
import * as store from './cohort-store.ts'

const DEFAULT_PAGE_LIMIT = 50
const MAX_ROLLOUTS = 200
/** Ids that are hashed at once: a millisecond. */
const SLICE = 500

/** Given by a person: as devices tell them, or as the server shows them. */
export interface MemberChanges {
  add?: readonly string[] | undefined
  remove?: readonly string[] | undefined
  /** Whoever is not added leaves. */
  replace?: boolean
}

export type CohortService = ReturnType<typeof createCohortService>

export function createCohortService({
  db,
  reads,
  audit,
  identity,
  clock,
  newId,
  countOtherMembers,
  changes,
  gate,
}: {
  db: Database
  /** For counting members outside a change, which takes a while. */
  reads: Database
  audit: AuditService
  identity: DeviceIdentity
  clock: Clock
  newId: () => string
  /** Of the app's other cohorts, as this server has them in memory. */
  countOtherMembers: (appId: string, cohortId: string) => number
  changes: Changes
  gate: Pick<RolloutGate, 'admit'>
}) {
  /** @throws problem cohort-not-found */
  async function get(app: AppRow, name: string, connection: Connection = db): Promise<store.CountedCohortRow> {
    const row = await store.findCohort(connection, app.id, name)
    if (!row) throw notFound(app, name)
    return row
  }

  /** As `get`, without counting who is in it. */
  async function getId(app: AppRow, name: string, connection: Connection = db): Promise<string> {
    const id = await store.findCohortId(connection, app.id, name)
    if (id === undefined) throw notFound(app, name)
    return id
  }

  async function list(app: AppRow): Promise<Page<Cohort>> {
    return { items: (await store.listCohorts(reads, app.id)).map(render), nextCursor: null }
  }

  /** @throws problem cohort-exists, or invalid-request for too many */
  async function create(app: AppRow, input: NewCohort, author: Author): Promise<Cohort> {
    const now = clock.now()
    const members = await readMembers(app, input.devices)
    const row: store.CohortRow = {
      id: newId(),
      app_id: app.id,
      name: input.name,
      description: input.description ?? '',
      generation: 1,
      created_at: now,
      created_by: nameOf(author),
      updated_at: now,
    }
    const created = await changes.run(async (tx, change) => {
      if ((await store.countCohorts(tx, app.id)) >= COHORT_LIMITS.cohorts) {
        throw problem('invalid-request', `An app has at most ${COHORT_LIMITS.cohorts} cohorts; delete one first.`)
      }
      await requireAdmitted(tx, author, row, 'widens')
      await store.insertCohort(tx, row).catch((error: unknown) => {
        if (!isUniqueViolation(error)) throw error
        throw problem('cohort-exists', `The app has a cohort "${row.name}" already.`, {}, { cause: error })
      })
      await store.addMembers(tx, row.id, members)
      const after = await get(app, row.name, tx)
      requireRoom(after)
      change.raiseCohorts()
      await audit.record(tx, author, { ...subjectOf(app, row), action: 'cohort.created', after: render(after) })
      return after
    })
    return render(created)
  }

  /** All of it or nothing. */
  async function changeMembers(app: AppRow, name: string, members: MemberChanges, author: Author): Promise<Cohort> {
    const added = await readMembers(app, members.add)
    const removed = await readMembers(app, members.remove)
    const deed = added.length > 0 ? 'widens' : 'withdraws'
    const changed = await changes.run(async (tx, change) => {
      const id = await getId(app, name, tx)
      await store.touchCohort(tx, id, clock.now())
      const before = await get(app, name, tx)
      await requireAdmitted(tx, author, before, deed)
      if (members.replace) await store.removeAllMembers(tx, id)
      await store.addMembers(tx, id, added)
      await store.removeMembers(tx, id, removed)
      const after = await get(app, name, tx)
      requireRoom(after)
      change.raiseCohorts()
      // Only how many: the audit log keeps nobody's device.
      const [wasThere, isThere] = [render(before), render(after)]
      await audit.record(tx, author, {
        ...subjectOf(app, before),
        action: 'cohort.changed',
        before: wasThere,
        after: isThere,
      })
      return after
    })
    return render(changed)
  }

  /**
   * Who is in a cohort is who gets what names it: whoever may not change those rollouts may not change it.
   * @throws problem forbidden, channel-protected, or approval-required, as a cohort's members cannot be proposed
   */
  async function requireAdmitted(
    tx: Connection,
    author: Author,
    { app_id, name }: Pick<store.CohortRow, 'app_id' | 'name'>,
    deed: RolloutDeed,
  ): Promise<void> {
    const rollouts = await store.listLiveRolloutsFor(tx, app_id, name)
    for (const channel of new Set(rollouts.map((rollout) => rollout.channel))) {
      const { waits } = await gate.admit(tx, author, { app_id, channel }, deed)
      if (!waits) continue
      const detail =
        `A rollout on the channel "${channel}" names the cohort "${name}", and what reaches more devices there takes a ` +
        'second person: put the devices into another cohort, and name that in the rollout, which is then proposed.'
      throw problem('approval-required', detail)
    }
  }

  /** @throws problem invalid-request */
  function requireRoom({ id, app_id, device_count }: store.CountedCohortRow): void {
    requireAtMost(COHORT_LIMITS.devicesOfCohort, device_count, 'A cohort has')
    requireAtMost(
      COHORT_LIMITS.devicesOfApp,
      device_count + countOtherMembers(app_id, id),
      'All cohorts of an app have',
    )
  }

  /** @throws problem cohort-in-use while a rollout that is active or paused names it */
  async function remove(app: AppRow, name: string, author: Author): Promise<void> {
    await changes.run(async (tx, change) => {
      const cohort = await get(app, name, tx)
      const rollouts = (await store.listLiveRolloutsFor(tx, app.id, name)).map(({ id }) => id)
      if (rollouts.length > 0) {
        throw problem('cohort-in-use', `The cohort is named by the rollout ${rollouts.slice(0, 3).join(', ')}.`)
      }
      await store.deleteCohort(tx, cohort.id)
      change.raiseCohorts()
      await audit.record(tx, author, { ...subjectOf(app, cohort), action: 'cohort.deleted', before: render(cohort) })
    })
  }

  /** Which rollouts it cannot be deleted for: newest first, at most 200. */
  async function listRollouts(app: AppRow, name: string): Promise<Page<CohortRollout>> {
    await getId(app, name)
    const rows = (await store.listLiveRolloutsFor(db, app.id, name)).slice(0, MAX_ROLLOUTS)
    const items = rows.map(({ id, platform, channel, version, state, percentage }) => {
      return { rolloutId: id, platform, channel, version, state: state as CohortRollout['state'], percentage }
    })
    return { items, nextCursor: null }
  }

  /** In the order of the ids. */
  async function listDevices(app: AppRow, name: string, page: PageQuery): Promise<Page<CohortDevice>> {
    const id = await getId(app, name)
    const limit = page.limit ?? DEFAULT_PAGE_LIMIT
    const after = page.cursor === undefined ? undefined : Buffer.from(page.cursor, 'base64url').toString()
    const found = await store.listMembers(db, id, after, limit + 1)
    const shown = found.slice(0, limit)
    const last = found.length > limit ? shown.at(-1) : undefined
    return {
      items: shown.map((deviceId) => ({ deviceId })),
      nextCursor: last === undefined ? null : Buffer.from(last).toString('base64url'),
    }
  }

  /** A cohort is as large as a fleet may be: in slices, so that checks get their turn. */
  async function readMembers(app: AppRow, given: readonly string[] = []): Promise<string[]> {
    const known = { id: app.id, deviceIds: app.device_ids }
    const members = new Set<string>()
    for (const [index, id] of given.entries()) {
      if (!isDeviceId(id)) {
        throw problem('invalid-request', `Device ${index + 1}: expected 1 to 200 characters, and no NUL.`)
      }
      members.add(identity.resolve(known, id))
      if (index % SLICE === SLICE - 1) await setImmediate()
    }
    return [...members]
  }

  return {
    get: async (app: AppRow, name: string) => render(await get(app, name, reads)),
    list,
    create,
    changeMembers,
    remove,
    listDevices,
    listRollouts,
  }
}

function notFound(app: AppRow, name: string) {
  return problem('cohort-not-found', `The app "${app.slug}" has no cohort "${name}".`)
}

function requireAtMost(most: number, count: number, what: string): void {
  if (count <= most) return
  const detail = `${what} at most ${most} devices, and this would make ${count}. Use a percentage or attribute rules.`
  throw problem('invalid-request', detail)
}

function subjectOf(app: AppRow, cohort: store.CohortRow) {
  return { subject: ['cohort', cohort.id] as const, appId: app.id }
}

function render(row: store.CountedCohortRow): Cohort {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    deviceCount: row.device_count,
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
    updatedAt: timestamp(row.updated_at),
  }
}
