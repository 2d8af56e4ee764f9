import type { DeviceFilter } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { CompiledQuery, sql, type UpdateObject } from 'kysely'
import type { Connection, Database, Schema } from '../database/schema.ts'

export type DeviceRow = Schema['device']
export type DeviceEventRow = Schema['device_event']
export type DeviceFailureRow = Schema['device_failure']

/** What is written together. Each list of devices has a device once. */
export interface FleetBatch {
  /** From checks, which tell everything. */
  checked: DeviceRow[]
  /** From reports that say what the device runs. */
  running: DeviceRow[]
  /** From reports that do not. */
  seen: DeviceRow[]
  events: DeviceEventRow[]
  failures: DeviceFailureRow[]
}

/** Where a list goes on: behind this device. */
export interface DevicePosition {
  lastSeenAt: number
  deviceId: string
}

/** Stands for what a report did not tell, in columns that are never null. */
export const UNTOLD = { platform: 'any', channel: '' } as const

/** Far below the databases' limits on parameters; most statements have the same text and are prepared once. */
const ROWS_PER_STATEMENT = 100

type DeviceUpdate = UpdateObject<Schema, 'device'>

const TOLD_BY_ALL: DeviceUpdate = {
  native_version: sql`coalesce(excluded.native_version, device.native_version)`,
  runtime_version: sql`coalesce(excluded.runtime_version, device.runtime_version)`,
  last_seen_at: sql`excluded.last_seen_at`,
}
const PLACE_IF_TOLD: DeviceUpdate = {
  platform: sql<Platform>`case excluded.platform when ${sql.lit(UNTOLD.platform)} then device.platform else excluded.platform end`,
  channel: sql`case excluded.channel when ${sql.lit(UNTOLD.channel)} then device.channel else excluded.channel end`,
}
const CURRENT: DeviceUpdate = {
  current_release_id: sql`excluded.current_release_id`,
  current_version: sql`excluded.current_version`,
}
const TOLD_BY_CHECKS: DeviceUpdate = {
  platform: sql`excluded.platform`,
  channel: sql`excluded.channel`,
  cohorts: sql`excluded.cohorts`,
  last_decision: sql`excluded.last_decision`,
  last_reason: sql`excluded.last_reason`,
}

const BY_CHECKS = { ...TOLD_BY_ALL, ...CURRENT, ...TOLD_BY_CHECKS }
const BY_RUNNING = { ...TOLD_BY_ALL, ...CURRENT, ...PLACE_IF_TOLD }
const BY_SEEN = { ...TOLD_BY_ALL, ...PLACE_IF_TOLD }

/** In one transaction. Writing a batch again changes nothing. */
export function writeFleetBatch(db: Database, batch: FleetBatch): Promise<void> {
  return db.transaction().execute(async (tx) => {
    await upsertDevices(tx, batch.checked, BY_CHECKS)
    await upsertDevices(tx, batch.running, BY_RUNNING)
    await upsertDevices(tx, batch.seen, BY_SEEN)
    await insertNew(tx, 'device_event', batch.events)
    await insertNew(tx, 'device_failure', batch.failures)
  })
}

/** What is older than what the row holds is passed over: last_seen_at never goes back. */
async function upsertDevices(db: Connection, rows: readonly DeviceRow[], update: DeviceUpdate): Promise<void> {
  for (const chunk of chunks(rows)) {
    if (chunk.length < ROWS_PER_STATEMENT) await upsertStatement(db, chunk, update).execute()
    else await db.executeQuery(CompiledQuery.raw(fullUpsertText(db, chunk, update), parametersOf(chunk)))
  }
}

function upsertStatement(db: Connection, rows: readonly DeviceRow[], update: DeviceUpdate) {
  return db
    .insertInto('device')
    .values(rows.map(inColumnOrder))
    .onConflict((conflict) =>
      conflict
        .columns(['app_id', 'device_id'])
        .doUpdateSet(update)
        .whereRef('excluded.last_seen_at', '>=', 'device.last_seen_at'),
    )
}

const DEVICE_COLUMNS = [
  'app_id',
  'device_id',
  'platform',
  'channel',
  'native_version',
  'runtime_version',
  'current_release_id',
  'current_version',
  'cohorts',
  'last_decision',
  'last_reason',
  'first_seen_at',
  'last_seen_at',
] as const satisfies (keyof DeviceRow)[]

/** By what makes the text differ: the kind of database, and what a conflict updates. */
const fullUpsertTexts = new WeakMap<object, Map<DeviceUpdate, string>>()

/** Putting a statement of a hundred rows together costs as much as running it, and under load it is always the same. */
function fullUpsertText(db: Connection, rows: readonly DeviceRow[], update: DeviceUpdate): string {
  const { adapter } = db.getExecutor()
  const texts = fullUpsertTexts.get(adapter) ?? new Map<DeviceUpdate, string>()
  fullUpsertTexts.set(adapter, texts)
  const text = texts.get(update) ?? upsertStatement(db, rows, update).compile().sql
  texts.set(update, text)
  return text
}

function parametersOf(rows: readonly DeviceRow[]): unknown[] {
  return rows.flatMap((row) => DEVICE_COLUMNS.map((column) => row[column]))
}

function inColumnOrder(row: DeviceRow): DeviceRow {
  return Object.fromEntries(DEVICE_COLUMNS.map((column) => [column, row[column]])) as unknown as DeviceRow
}

async function insertNew<Table extends 'device_event' | 'device_failure'>(
  db: Connection,
  table: Table,
  rows: readonly Schema[Table][],
): Promise<void> {
  for (const chunk of chunks<DeviceEventRow | DeviceFailureRow>(rows)) {
    await db
      .insertInto<'device_event' | 'device_failure'>(table)
      .values(chunk)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}

function* chunks<Row>(rows: readonly Row[]): Generator<Row[]> {
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    yield rows.slice(start, start + ROWS_PER_STATEMENT)
  }
}

export function findDevice(db: Connection, appId: string, deviceId: string) {
  return db
    .selectFrom('device')
    .selectAll()
    .where('app_id', '=', appId)
    .where('device_id', '=', deviceId)
    .executeTakeFirst()
}

/** Last seen first. */
export function listDevices(
  db: Connection,
  appId: string,
  filter: DeviceFilter,
  page: { after: DevicePosition | undefined; limit: number },
) {
  const { platform, channel, releaseId } = filter
  const { after } = page
  return db
    .selectFrom('device')
    .selectAll()
    .where('app_id', '=', appId)
    .$if(platform !== undefined, (devices) => devices.where('platform', '=', platform ?? 'any'))
    .$if(channel !== undefined, (devices) => devices.where('channel', '=', channel ?? ''))
    .$if(releaseId !== undefined, (devices) => devices.where('current_release_id', '=', releaseId ?? ''))
    .$if(after !== undefined, (devices) =>
      devices.where(sql<boolean>`(last_seen_at, device_id) < (${after?.lastSeenAt}, ${after?.deviceId})`),
    )
    .orderBy('last_seen_at', 'desc')
    .orderBy('device_id', 'desc')
    .limit(page.limit)
    .execute()
}

/** Newest first. */
export function listDeviceEvents(db: Connection, appId: string, deviceId: string, limit: number) {
  return db
    .selectFrom('device_event')
    .selectAll()
    .where('app_id', '=', appId)
    .where('device_id', '=', deviceId)
    .orderBy('received_at', 'desc')
    .orderBy('occurred_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

export function listFailuresOfDevices(db: Connection, appId: string, deviceIds: readonly string[]) {
  return db
    .selectFrom('device_failure')
    .select(['device_id', 'release_id'])
    .where('app_id', '=', appId)
    .where('device_id', 'in', deviceIds)
    .orderBy('failed_at')
    .execute()
}

/** Newest first. */
export function listFailuresSince(db: Connection, since: number, limit: number) {
  return db
    .selectFrom('device_failure')
    .selectAll()
    .where('failed_at', '>=', since)
    .orderBy('failed_at', 'desc')
    .limit(limit)
    .execute()
}
