import { sql } from 'kysely'
import type { Connection } from '../../../ground/database/schema.ts'
import { isSqlite } from '../../../ground/database/sqlite-dialect.ts'
import type { Fact } from './fleet-batch.ts'
import { deviceKey } from '../fleet-buffer.ts'
import type { DeviceRow } from '../fleet-store.ts'
import { chunks, isOneOf, runPrepared, type Prepared } from './statements.ts'

/** The devices of the facts as they are, and nobody else's to change until the transaction ends. */
export async function lockDevices(tx: Connection, facts: readonly Fact[]): Promise<Map<string, DeviceRow>> {
  const first = new Map<string, Fact>()
  for (const fact of facts) {
    const key = deviceKey(fact.told.app_id, fact.told.device_id)
    if (!first.has(key)) first.set(key, fact)
  }
  if (isSqlite(tx)) return readDevices(tx, [...first.values()], false)

  // A row that is not there cannot be locked: what is new is made first, and belongs to whoever makes it.
  const known = await readDevices(tx, [...first.values()], false)
  const missing = [...first].filter(([key]) => !known.has(key))
  const made = await insertPlaceholders(
    tx,
    missing.map(([, { told }]) => told),
  )
  const others = [...first].filter(([key]) => !made.has(key)).map(([, fact]) => fact)
  return readDevices(tx, others, true)
}

async function readDevices(
  tx: Connection,
  facts: readonly Fact[],
  forUpdate: boolean,
): Promise<Map<string, DeviceRow>> {
  const found = new Map<string, DeviceRow>()
  for (const chunk of chunks(facts)) {
    const keys = chunk.map(({ told }) => [told.app_id, told.device_id] as const)
    const query = (of: typeof keys) =>
      tx
        .selectFrom('device')
        .selectAll()
        .where(isOneOf(['app_id', 'device_id'], of))
        // PostgreSQL locks in the order of the result, which has to be that of the facts.
        .$if(forUpdate, (devices) => devices.orderBy(sql`app_id collate "C", device_id collate "C"`).forUpdate())
    const { rows } = await runPrepared(tx, forUpdate ? LOCKED : READ, keys, query)
    for (const row of rows) found.set(deviceKey(row.app_id, row.device_id), row)
  }
  return found
}

async function insertPlaceholders(tx: Connection, rows: readonly DeviceRow[]): Promise<Set<string>> {
  const made = new Set<string>()
  for (const chunk of chunks(rows)) {
    const inserted = await tx
      .insertInto('device')
      .values(chunk)
      .onConflict((conflict) => conflict.columns(['app_id', 'device_id']).doNothing())
      .returning(['app_id', 'device_id'])
      .execute()
    for (const { app_id, device_id } of inserted) made.add(deviceKey(app_id, device_id))
  }
  return made
}

const DEVICE_COLUMNS = [
  'app_id',
  'device_id',
  'platform',
  'channel',
  'native_version',
  'runtime_version',
  'attributes',
  'dialect',
  'current_release_id',
  'current_version',
  'cohorts',
  'last_decision',
  'last_reason',
  'last_check_at',
  'rollout_id',
  'progress',
  'first_check_at',
  'established_at',
  'network',
  'first_seen_at',
  'last_seen_at',
  'gone_at',
  'high_water',
  'device_floor',
  'trusted_keys',
  'held_release_id',
  'embedded_built_at',
] as const satisfies (keyof DeviceRow)[]

/** An update names an index's column to write it, also when it stays as it is: then the index is written, too. */
const LOOKED_UP_BY = ['platform', 'channel', 'current_release_id', 'gone_at', 'first_seen_at'] as const

/** What changes as rarely. */
const TRUST = ['high_water', 'device_floor', 'trusted_keys', 'held_release_id', 'embedded_built_at'] as const

export async function upsertDevices(
  tx: Connection,
  prepared: PreparedUpsert,
  devices: readonly DeviceRow[],
): Promise<void> {
  const { changing } = prepared
  const query = (rows: DeviceRow[]) =>
    tx
      .insertInto('device')
      .values(rows.map(inColumnOrder))
      .onConflict((conflict) =>
        conflict
          .columns(['app_id', 'device_id'])
          .doUpdateSet(({ ref }) => Object.fromEntries(changing.map((column) => [column, ref(`excluded.${column}`)]))),
      )
  for (const chunk of chunks(devices)) await runPrepared(tx, prepared, chunk, query)
}

function inColumnOrder(row: DeviceRow): DeviceRow {
  return Object.fromEntries(DEVICE_COLUMNS.map((column) => [column, row[column]])) as unknown as DeviceRow
}

const READ: Prepared<readonly [string, string]> = { texts: new WeakMap(), parametersOf: (key) => key }
const LOCKED: Prepared<readonly [string, string]> = { texts: new WeakMap(), parametersOf: (key) => key }

interface PreparedUpsert extends Prepared<DeviceRow> {
  changing: readonly (typeof DEVICE_COLUMNS)[number][]
}

function prepareUpsert(except: readonly string[]): PreparedUpsert {
  return {
    texts: new WeakMap(),
    parametersOf: (row) => DEVICE_COLUMNS.map((column) => row[column]),
    changing: DEVICE_COLUMNS.filter((column) => !except.includes(column)),
  }
}

/** For devices that are new, or of which something changed that an index is about. */
export const MOVED = prepareUpsert(['app_id', 'device_id', 'first_seen_at'])
/** For all others: most, most of the time. */
export const SEEN = prepareUpsert(['app_id', 'device_id', ...LOOKED_UP_BY, ...TRUST])
