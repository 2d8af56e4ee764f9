import { sql } from 'kysely'
import type { Connection, Schema } from '../../../ground/database/schema.ts'
import type { Conclusions } from './conclude.ts'
import { compare } from './fleet-batch.ts'
import { bytesOf } from '../event-budget.ts'
import type { CountPacket } from '../fleet-counts.ts'
import type { DeviceEventRow } from '../fleet-store.ts'
import { chunks } from './statements.ts'

/** @param counts undefined when they were added before */
export async function addUp(
  tx: Connection,
  conclusions: Conclusions,
  counts: CountPacket | undefined,
  stored: readonly DeviceEventRow[],
): Promise<void> {
  await addRows(tx, 'rollout_network', ['rollout_id', 'day_at', 'network'], conclusions.networks)
  await addRows(tx, 'rollout_hour', ['rollout_id', 'hour_at'], conclusions.hours)
  await addRows(tx, 'rollout_sample', ['rollout_id', 'hour_at', 'standing'], conclusions.samples)
  const activityKey = ['app_id', 'period', 'starts_at', 'platform', 'channel', 'version'] as const
  await addRows(tx, 'activity', activityKey, conclusions.activity)
  const checkKey = ['app_id', 'hour_at', 'platform', 'channel', 'decision', 'reason'] as const
  await addRows(tx, 'check_hour', checkKey, counts?.checks ?? [])
  await addRows(tx, 'download_hour', ['sha256', 'release_id', 'hour_at'], counts?.downloads ?? [])
  await addRows(tx, 'unkept_hour', ['app_id', 'hour_at'], counts?.notKept ?? [])
  await addRows(tx, 'event_usage', ['app_id'], usageOf(stored, counts?.notKept ?? []))
}

type Counters =
  | 'rollout_network'
  | 'rollout_hour'
  | 'rollout_sample'
  | 'activity'
  | 'check_hour'
  | 'download_hour'
  | 'event_usage'
  | 'unkept_hour'

/** One row for each app. */
function usageOf(stored: readonly DeviceEventRow[], notKept: readonly Schema['unkept_hour'][]) {
  const usage = new Map<string, Schema['event_usage']>()
  const of = (app_id: string) => usage.get(app_id) ?? { app_id, events: 0, bytes: 0, not_kept: 0 }
  for (const { app_id, events } of notKept) {
    const row = of(app_id)
    usage.set(app_id, { ...row, not_kept: row.not_kept + events })
  }
  for (const event of stored) {
    const row = of(event.app_id)
    usage.set(event.app_id, { ...row, events: row.events + 1, bytes: row.bytes + bytesOf(event) })
  }
  return [...usage.values()]
}

/** Adds every column that is not part of the key to what is there. */
async function addRows<Table extends Counters>(
  tx: Connection,
  table: Table,
  keys: readonly (keyof Schema[Table] & string)[],
  rows: readonly Schema[Table][],
): Promise<void> {
  const [first] = rows
  if (!first) return
  const counters = Object.keys(first).filter((column) => !(keys as readonly string[]).includes(column))
  const sums = counters.map(
    (column) => sql`${sql.ref(column)} = ${sql.ref(`${table}.${column}`)} + ${sql.ref(`excluded.${column}`)}`,
  )
  for (const chunk of chunks(inKeyOrder(rows, keys))) {
    const columns = Object.keys(first) as (keyof Schema[Table] & string)[]
    const values = chunk.map((row) => sql`(${sql.join(columns.map((column) => row[column]))})`)
    await sql`insert into ${sql.table(table)} (${sql.join(columns.map((column) => sql.ref(column)))})
      values ${sql.join(values)}
      on conflict (${sql.join(keys.map((key) => sql.ref(key)))}) do update set ${sql.join(sums)}`.execute(tx)
  }
}

function inKeyOrder<Row extends object>(rows: readonly Row[], keys: readonly (keyof Row & string)[]): Row[] {
  const nameOf = (row: Row) => keys.map((key) => String(row[key])).join('\n')
  return rows
    .map((row) => [nameOf(row), row] as const)
    .sort(([a], [b]) => compare(a, b))
    .map(([, row]) => row)
}
