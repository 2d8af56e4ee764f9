import type { Connection } from '../ground/database/schema.ts'
import type { KeptExpoExport } from '../shipping/content/files/expo-export.ts'

/** A file of a release, as a dialect offers it. */
export interface OfferedFile {
  /** Content §7: relative, with slashes. */
  path: string
  sha256: string
  sizeBytes: number
  contentType: string
  /** The same compressed, where that is smaller: an artifact of its own. */
  brotli: OfferedBytes | null
}

export interface OfferedBytes {
  sha256: string
  sizeBytes: number
}

/** A file that its publisher has encrypted by itself. */
export interface OfferedVariantFile {
  /** That of the file of the release, or with `.br` when it was compressed before. */
  path: string
  /** Of the encrypted bytes. */
  sha256: string
  sizeBytes: number
  /** As the algorithm has it: of the file that devices get from it. */
  checksum: string
}

/** How much there is to hold. */
interface FilesMeasure {
  files: number
  pathCharacters: number
  variants: number
}

/** Of those of the releases that have files. */
export async function measureFiles(
  db: Connection,
  releaseIds: readonly string[],
): Promise<ReadonlyMap<string, FilesMeasure>> {
  if (releaseIds.length === 0) return new Map()
  const rows = await selectFiles(db)
    .select(({ fn }) => [
      'release_file.release_id',
      fn.countAll<number | string>().as('files'),
      fn.sum<number | string>(fn('length', ['release_file.path'])).as('pathCharacters'),
      fn.count<number | string>('artifact_variant.variant_sha256').as('variants'),
    ])
    .where('release_id', 'in', releaseIds)
    .groupBy('release_file.release_id')
    .execute()
  // PostgreSQL counts in text.
  return new Map(
    rows.map(({ release_id, files, pathCharacters, variants }) => [
      release_id,
      { files: Number(files), pathCharacters: Number(pathCharacters), variants: Number(variants) },
    ]),
  )
}

export async function measureVariantFiles(
  db: Connection,
  variantIds: readonly string[],
): Promise<ReadonlyMap<string, { files: number; characters: number }>> {
  if (variantIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('release_variant_file')
    .select(({ fn }) => [
      'variant_id',
      fn.countAll<number | string>().as('files'),
      fn.sum<number | string>(fn('length', ['path'])).as('pathCharacters'),
      fn.sum<number | string>(fn('length', ['checksum'])).as('checksumCharacters'),
    ])
    .where('variant_id', 'in', variantIds)
    .groupBy('variant_id')
    .execute()
  return new Map(
    rows.map(({ variant_id, files, pathCharacters, checksumCharacters }) => [
      variant_id,
      { files: Number(files), characters: 2 * Number(pathCharacters) + Number(checksumCharacters) },
    ]),
  )
}

export async function listVariantFiles(db: Connection, variantId: string): Promise<OfferedVariantFile[]> {
  const rows = await db
    .selectFrom('release_variant_file')
    .select(['path', 'sha256', 'size_bytes', 'checksum'])
    .where('variant_id', '=', variantId)
    .orderBy('path')
    .execute()
  return rows.map(({ path, sha256, size_bytes, checksum }) => ({ path, sha256, sizeBytes: size_bytes, checksum }))
}

export async function listHeldFiles(db: Connection, releaseId: string): Promise<OfferedFile[]> {
  const rows = await selectFiles(db)
    .leftJoin('artifact', 'artifact.sha256', 'artifact_variant.variant_sha256')
    .select(['release_file.path', 'release_file.sha256', 'release_file.size_bytes'])
    .select('release_file.content_type')
    .select(['artifact_variant.variant_sha256', 'artifact.size_bytes as variant_bytes'])
    .where('release_id', '=', releaseId)
    .orderBy('release_file.path')
    .execute()
  // Every row brings a text of its own: there are a handful of types.
  const types = new Map<string, string>()
  function shared(type: string): string {
    const known = types.get(type) ?? type
    types.set(type, known)
    return known
  }
  return rows.map(({ path, sha256, size_bytes, content_type, variant_sha256, variant_bytes }) => ({
    path,
    sha256: sha256 ?? '',
    sizeBytes: size_bytes,
    contentType: shared(content_type),
    brotli:
      variant_sha256 === null || variant_bytes === null ? null : { sha256: variant_sha256, sizeBytes: variant_bytes },
  }))
}

/** How long what is kept of each is, in characters. */
export async function measureExpoExports(
  db: Connection,
  releaseIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (releaseIds.length === 0) return new Map()
  const rows = await selectExpoExports(db)
    .select(({ fn }) => ['release_file.release_id', fn<number | string>('length', ['expo_export.exported']).as('size')])
    .where('release_file.release_id', 'in', releaseIds)
    .execute()
  return new Map(rows.map(({ release_id, size }) => [release_id, Number(size)]))
}

export async function findExpoExport(db: Connection, releaseId: string): Promise<KeptExpoExport | undefined> {
  const row = await selectExpoExports(db)
    .select('expo_export.exported')
    .where('release_file.release_id', '=', releaseId)
    .executeTakeFirst()
  return row && (JSON.parse(row.exported) as KeptExpoExport)
}

function selectExpoExports(db: Connection) {
  return db
    .selectFrom('release_file')
    .innerJoin('expo_export', 'expo_export.sha256', 'release_file.sha256')
    .where('release_file.role', '=', 'manifest')
}

function selectFiles(db: Connection) {
  return db
    .selectFrom('release_file')
    .leftJoin('artifact_variant', (join) =>
      join
        .onRef('artifact_variant.sha256', '=', 'release_file.sha256')
        .on('artifact_variant.kind', '=', 'compressed')
        .on('artifact_variant.algorithm', '=', 'br'),
    )
    .where('release_file.role', '=', 'asset')
}
