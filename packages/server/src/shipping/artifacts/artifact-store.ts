import type { ExpressionBuilder } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import { ANY_BYTES } from './any-bytes.ts'

export type ArtifactRow = Schema['artifact']
export type FactsRow = Schema['artifact_facts']

/** SQLite and PostgreSQL take some ten thousand values in one statement. */
const BATCH = 1_000

/**
 * The same bytes may come again, as content or as a part of it, and twice at once: what changed since two releases is
 * often the same. What a release has stays, whatever `kept_until` these rows name, and what archived releases had is there
 * again for so long; what they are called stays, unless it is now known better.
 */
export async function insertArtifacts(db: Connection, rows: readonly ArtifactRow[]): Promise<void> {
  const isNamed = ({ content_type }: ArtifactRow) => Number(content_type !== ANY_BYTES)
  const sorted = rows.toSorted((one, other) => isNamed(one) - isNamed(other))
  for (const batch of batchesOf(lastOfEach(sorted, ({ sha256 }) => sha256))) {
    await db
      .insertInto('artifact')
      .values(batch)
      .onConflict((conflict) =>
        conflict.column('sha256').doUpdateSet(({ eb, ref }) => ({
          kept_until: eb
            .case()
            .when('artifact.kept_until', 'is', null)
            .then(null)
            .else(ref('excluded.kept_until'))
            .end(),
          bytes_until: eb
            .case()
            .when('artifact.bytes_until', 'is', null)
            .then(null)
            .else(ref('excluded.kept_until'))
            .end(),
          content_type: eb
            .case()
            .when('excluded.content_type', '=', ANY_BYTES)
            .then(ref('artifact.content_type'))
            .else(ref('excluded.content_type'))
            .end(),
        })),
      )
      .execute()
  }
}

/** What a check found of bytes, as each kind of content: a zip may be an archive, and an app. */
export async function insertFacts(db: Connection, rows: readonly FactsRow[]): Promise<void> {
  for (const batch of batchesOf(lastOfEach(rows, ({ sha256, kind }) => `${sha256} ${kind}`))) {
    await db
      .insertInto('artifact_facts')
      .values(batch)
      .onConflict((conflict) =>
        conflict.columns(['sha256', 'kind']).doUpdateSet(({ ref }) => ({ facts: ref('excluded.facts') })),
      )
      .execute()
  }
}

/** What is kept of Expo's exports. The same bytes are the same export. */
export async function insertExpoExports(db: Connection, rows: readonly Schema['expo_export'][]): Promise<void> {
  if (rows.length === 0) return
  await db
    .insertInto('expo_export')
    .values(lastOfEach(rows, ({ sha256 }) => sha256))
    .onConflict((conflict) =>
      conflict.column('sha256').doUpdateSet(({ ref }) => ({ exported: ref('excluded.exported') })),
    )
    .execute()
}

/** PostgreSQL takes no statement that writes a row twice. */
function lastOfEach<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Row[] {
  return [...new Map(rows.map((row) => [keyOf(row), row])).values()]
}

export async function findFacts(db: Connection, sha256: string, kind: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('artifact_facts')
    .select('facts')
    .where('sha256', '=', sha256)
    .where('kind', '=', kind)
    .executeTakeFirst()
  return row?.facts
}

export function findArtifact(db: Connection, sha256: string): Promise<ArtifactRow | undefined> {
  return db.selectFrom('artifact').selectAll().where('sha256', '=', sha256).executeTakeFirst()
}

/** Its compressed forms. */
export function listCompressed(db: Connection, sha256: string) {
  return db
    .selectFrom('artifact_variant')
    .select(['algorithm', 'variant_sha256'])
    .where('sha256', '=', sha256)
    .where('kind', '=', 'compressed')
    .orderBy('variant_sha256')
    .execute()
}

/** With the name that it has in the newest release that names it. */
export function findServed(db: Connection, sha256: string) {
  return db
    .selectFrom('artifact')
    .select(['artifact.content_type', 'artifact.awaits_compression', 'artifact.kept_until'])
    .select(({ selectFrom }) =>
      selectFrom('release_file')
        .select('path')
        .whereRef('release_file.sha256', '=', 'artifact.sha256')
        .where('role', '=', 'binary')
        .orderBy('release_id', 'desc')
        .limit(1)
        .as('file_name'),
    )
    .where('artifact.sha256', '=', sha256)
    .executeTakeFirst()
}

/** Whose bytes they are as well. */
export async function insertAppArtifacts(db: Connection, rows: readonly Schema['app_artifact'][]): Promise<void> {
  for (const batch of batchesOf(rows)) {
    await db
      .insertInto('app_artifact')
      .values(batch)
      .onConflict((conflict) =>
        conflict.columns(['app_id', 'sha256']).doUpdateSet(({ eb, ref }) => ({
          kept_until: eb
            .case()
            .when('app_artifact.kept_until', 'is', null)
            .then(null)
            .else(ref('excluded.kept_until'))
            .end(),
        })),
      )
      .execute()
  }
}

/** Those of the keys that the app has, with bytes. */
export async function listAppArtifacts(
  db: Connection,
  appId: string,
  keys: readonly string[],
  now: number,
): Promise<Pick<ArtifactRow, 'sha256' | 'size_bytes'>[]> {
  const found: Pick<ArtifactRow, 'sha256' | 'size_bytes'>[] = []
  for (const batch of batchesOf(keys)) {
    const rows = await db
      .selectFrom('app_artifact')
      .innerJoin('artifact', 'artifact.sha256', 'app_artifact.sha256')
      .select(['artifact.sha256', 'artifact.size_bytes'])
      .where('app_artifact.app_id', '=', appId)
      .where('app_artifact.sha256', 'in', batch)
      .where(hasBytes(now))
      .execute()
    found.push(...rows)
  }
  return found
}

/** Of those of the app that wait for a release. */
export async function keepWaiting(
  db: Connection,
  appId: string,
  keys: readonly string[],
  keptUntil: number,
): Promise<void> {
  for (const batch of batchesOf(keys)) {
    await db
      .updateTable('app_artifact')
      .set({ kept_until: keptUntil })
      .where('app_id', '=', appId)
      .where('sha256', 'in', batch)
      .where('kept_until', '<', keptUntil)
      .execute()
    await db
      .updateTable('artifact')
      .set({ kept_until: keptUntil })
      .where('sha256', 'in', batch)
      .where('kept_until', '<', keptUntil)
      .execute()
    await db
      .updateTable('artifact')
      .set({ bytes_until: keptUntil })
      .where('sha256', 'in', batch)
      .where('bytes_until', '<', keptUntil)
      .execute()
  }
}

/** What is compressed already. */
export async function leaveUncompressed(tx: Connection, keys: readonly string[]): Promise<void> {
  for (const batch of batchesOf(keys)) {
    await tx.updateTable('artifact').set({ awaits_compression: 0 }).where('sha256', 'in', batch).execute()
  }
}

/** From here on a release has them. False when one of them is not there any more. */
export async function keepArtifactsForGood(tx: Connection, keys: readonly string[], now: number): Promise<boolean> {
  let kept = 0n
  for (const batch of batchesOf(keys)) {
    const result = await tx
      .updateTable('artifact')
      .set({ kept_until: null, bytes_until: null })
      .where('sha256', 'in', batch)
      .where(hasBytes(now))
      .executeTakeFirst()
    kept += result.numUpdatedRows
  }
  return kept === BigInt(keys.length)
}

/** Those that waited for a release until then. */
export async function deleteExpiredArtifacts(db: Connection, now: number): Promise<void> {
  await db.deleteFrom('app_artifact').where('kept_until', '<=', now).execute()
  await db.deleteFrom('artifact').where('kept_until', '<=', now).execute()
}

/** In the order of their keys, without those whose bytes leave or left. @param after '' for the first */
export function listArtifactsAfter(db: Connection, after: string, limit: number) {
  return db
    .selectFrom('artifact')
    .select(['sha256', 'size_bytes'])
    .where('sha256', '>', after)
    .where('bytes_until', 'is', null)
    .orderBy('sha256')
    .limit(limit)
    .execute()
}

/** Whose bytes leave, and may still be there. */
export function listLeavingArtifacts(db: Connection, limit: number) {
  return db.selectFrom('artifact').select('sha256').where('bytes_until', 'is not', null).limit(limit).execute()
}

/** Those of the keys whose bytes are to be there. */
export async function listArtifactKeys(db: Connection, keys: readonly string[], now: number): Promise<string[]> {
  const rows = await db
    .selectFrom('artifact')
    .select('sha256')
    .where('sha256', 'in', keys)
    .where(hasBytes(now))
    .execute()
  return rows.map(({ sha256 }) => sha256)
}

function hasBytes(now: number) {
  return ({ eb, or }: ExpressionBuilder<Schema, 'artifact'>) =>
    or([eb('artifact.bytes_until', 'is', null), eb('artifact.bytes_until', '>', now)])
}

function batchesOf<Item>(items: readonly Item[]): Item[][] {
  const count = Math.ceil(items.length / BATCH)
  return Array.from({ length: count }, (_, index) => items.slice(index * BATCH, (index + 1) * BATCH))
}
