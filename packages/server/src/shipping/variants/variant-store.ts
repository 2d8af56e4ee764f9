import type { Connection, Schema } from '../../ground/database/schema.ts'
import { letArtifactsGo } from '../artifacts/let-artifacts-go.ts'

export type VariantRow = Schema['release_variant']
export type VariantFileRow = Schema['release_variant_file']

/** SQLite and PostgreSQL take some ten thousand values in one statement. */
const BATCH = 1_000

export async function insertVariant(tx: Connection, row: VariantRow, files: readonly VariantFileRow[]): Promise<void> {
  await tx.insertInto('release_variant').values(row).execute()
  for (let start = 0; start < files.length; start += BATCH) {
    await tx
      .insertInto('release_variant_file')
      .values(files.slice(start, start + BATCH))
      .execute()
  }
}

export function findVariantOf(
  db: Connection,
  { releaseId, algorithm, keyId }: { releaseId: string; algorithm: string; keyId: string },
): Promise<VariantRow | undefined> {
  return db
    .selectFrom('release_variant')
    .selectAll()
    .where('release_id', '=', releaseId)
    .where('algorithm', '=', algorithm)
    .where('key_id', '=', keyId)
    .executeTakeFirst()
}

export function listVariantsOf(db: Connection, releaseId: string): Promise<VariantRow[]> {
  return db.selectFrom('release_variant').selectAll().where('release_id', '=', releaseId).orderBy('id').execute()
}

export function listVariantFiles(db: Connection, variantId: string): Promise<VariantFileRow[]> {
  return db.selectFrom('release_variant_file').selectAll().where('variant_id', '=', variantId).orderBy('path').execute()
}

export async function countVariantFiles(db: Connection, variantIds: readonly string[]): Promise<Map<string, number>> {
  if (variantIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('release_variant_file')
    .select(({ fn }) => ['variant_id', fn.countAll<number | string>().as('files')])
    .where('variant_id', 'in', variantIds)
    .groupBy('variant_id')
    .execute()
  return new Map(rows.map(({ variant_id, files }) => [variant_id, Number(files)]))
}

/** With its files. Their bytes are let go by the sweep, unless something else has them. */
export async function deleteVariant(tx: Connection, { id, sha256 }: VariantRow, now: number): Promise<void> {
  const files = await listVariantFiles(tx, id)
  await tx.deleteFrom('release_variant_file').where('variant_id', '=', id).execute()
  await tx.deleteFrom('release_variant').where('id', '=', id).execute()
  const keys = [...new Set([sha256, ...files.map((file) => file.sha256)])]
  await letArtifactsGo(tx, keys, now)
}
