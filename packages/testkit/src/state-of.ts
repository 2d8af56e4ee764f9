import { readdir } from 'node:fs/promises'
import type { Database } from '@hotpatch/server/testing'
import { sql } from 'kysely'

/** Every row of every table as text, to compare or to search. */
export async function dumpDatabase(db: Database): Promise<Record<string, string[]>> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  const dump: Record<string, string[]> = {}
  for (const { name } of tables.sort((a, b) => a.name.localeCompare(b.name))) {
    const { rows } = await sql<Record<string, unknown>>`select * from ${sql.table(name)}`.execute(db)
    dump[name] = rows.map((row) => JSON.stringify(row)).sort()
  }
  return dump
}

/** What is written when its time has come, whatever else happens: what devices told, and what is told of changes. */
const IN_THE_BACKGROUND = [
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
  'server_setting',
  'webhook_delivery',
]

/** As `dumpDatabase`, of what people and the server decided. */
export async function dumpDecisions(db: Database): Promise<Record<string, string[]>> {
  const tables = Object.entries(await dumpDatabase(db))
  return Object.fromEntries(tables.filter(([name]) => !IN_THE_BACKGROUND.includes(name)))
}

/** The paths of all files under a folder, sorted. */
export async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath.slice(directory.length)}/${entry.name}`)
    .sort()
}
