import { readdir } from 'node:fs/promises'
import type { Database } from '@hotpatch/server/testing'
import { sql, SqliteAdapter } from 'kysely'

/** Every row of every table as text, to compare or to search. */
export async function dumpDatabase(db: Database): Promise<Record<string, string[]>> {
  const names = await listTables(db)
  return dumpTables(
    db,
    names.filter((name) => !SEALED_LATER.includes(name)),
  )
}

/** Of entries that are in the dump themselves. */
const SEALED_LATER = ['audit_seal', 'audit_unsealed']

async function dumpTables(db: Database, names: readonly string[]): Promise<Record<string, string[]>> {
  const dump: Record<string, string[]> = {}
  for (const name of names) {
    const { rows } = await sql<Record<string, unknown>>`select * from ${sql.table(name)}`.execute(db)
    dump[name] = rows.map((row) => JSON.stringify(row)).sort()
  }
  return dump
}

/** Asking for all that the database knows of its tables takes PostgreSQL much longer. */
async function listTables(db: Database): Promise<string[]> {
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter
  const { rows } = await (
    isSqlite
      ? sql<{ name: string }>`select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`
      : sql<{ name: string }>`select tablename as name from pg_tables where schemaname = current_schema()`
  ).execute(db)
  return rows.map(({ name }) => name).sort((a, b) => a.localeCompare(b))
}

/** Tables that are written later, by themselves: what devices told, and what is told of changes. */
const IN_THE_BACKGROUND = [
  ...SEALED_LATER,
  'activity',
  'announcement',
  'check_hour',
  'device',
  'device_event',
  'device_failure',
  'download_hour',
  'fleet_source',
  'rollout_device',
  'rollout_hour',
  'rollout_network',
  'rollout_sample',
  'server_setting',
  'webhook_delivery',
]

/** As `dumpDatabase`, of what people and the server decided. */
export async function dumpDecisions(db: Database): Promise<Record<string, string[]>> {
  const names = await listTables(db)
  return dumpTables(
    db,
    names.filter((name) => !IN_THE_BACKGROUND.includes(name)),
  )
}

/** The paths of all files under a folder, sorted. */
export async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath.slice(directory.length)}/${entry.name}`)
    .sort()
}
