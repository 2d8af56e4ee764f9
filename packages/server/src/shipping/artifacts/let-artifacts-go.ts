import { sql } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'

/** SQLite and PostgreSQL take some ten thousand values in one statement. */
const BATCH = 1_000

/**
 * All that refers to an artifact by a column. The same bytes may be several things, of several apps: a publisher who sends
 * another app's bytes as its own and removes them takes nothing from that. One row that something refers to would end
 * every sweep, too, as the database does not delete it.
 */
const REFERENCES = [
  ['release_file', 'sha256'],
  ['release_variant', 'sha256'],
  ['release_variant_file', 'sha256'],
  ['embedded_update', 'sha256'],
  ['app_artifact', 'sha256'],
  ['artifact_variant', 'sha256'],
  ['artifact_variant', 'variant_sha256'],
  ['artifact_variant', 'base_sha256'],
  ['block_map', 'sha256'],
  ['block_map', 'map_sha256'],
  ['package_diff', 'sha256'],
  ['package_diff', 'base_sha256'],
  ['package_diff', 'diff_sha256'],
  ['patch', 'sha256'],
  ['patch', 'base_sha256'],
  ['sent_patch', 'sha256'],
] as const satisfies readonly (readonly [keyof Schema, string])[]

/** Of those of the keys that nothing has any more, the sweep removes the bytes. */
export async function letArtifactsGo(tx: Connection, keys: readonly string[], now: number): Promise<void> {
  for (let start = 0; start < keys.length; start += BATCH) {
    const batch = keys.slice(start, start + BATCH)
    const had = await listReferred(tx, batch)
    const free = batch.filter((key) => !had.has(key))
    if (free.length === 0) continue
    await tx.updateTable('artifact').set({ kept_until: now }).where('sha256', 'in', free).execute()
  }
}

/** Not all of these columns have an index: each is gone through once, not once for each key. */
async function listReferred(tx: Connection, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const referred = new Set<string>()
  for (const [table, column] of REFERENCES) {
    const name = sql.ref<string>(column)
    const rows = await tx.selectFrom(table).select(name.as('key')).where(name, 'in', keys).distinct().execute()
    for (const { key } of rows) referred.add(key)
  }
  return referred
}
