import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { ReleaseFile } from './content-kind.ts'
import { placedReleases, type PlaceOfReleases } from './placed-release-queries.ts'

/** With what the check of its bytes found; null where they lie elsewhere. */
export type StoredFile = ReleaseFile & { release_id: string; facts: string | null }

/** SQLite and PostgreSQL take some ten thousand values in one statement. */
const BATCH = 1_000

/** Without what manifests list or archives contain, which may be thousands. */
export type FilesByRelease = ReadonlyMap<string, readonly StoredFile[]>

export async function insertReleaseFiles(tx: Connection, releaseId: string, files: readonly ReleaseFile[]) {
  for (let start = 0; start < files.length; start += BATCH) {
    const rows = files.slice(start, start + BATCH).map((file) => ({ ...file, release_id: releaseId }))
    await tx.insertInto('release_file').values(rows).execute()
  }
}

export async function listFilesOf(db: Connection, releaseIds: readonly string[]): Promise<FilesByRelease> {
  if (releaseIds.length === 0) return new Map()
  return grouped(await selectFiles(db).where('release_id', 'in', releaseIds).execute())
}

/** All of one, also what its archive contains. */
export function listAllFilesOf(db: Connection, releaseId: string): Promise<Schema['release_file'][]> {
  return db.selectFrom('release_file').selectAll().where('release_id', '=', releaseId).execute()
}

/** Of all releases that were ever placed there. */
export async function listPlacedFiles(db: Connection, place: PlaceOfReleases): Promise<FilesByRelease> {
  const rows = await selectFiles(db).where('release_id', 'in', placedReleases(db, place)).execute()
  return grouped(rows)
}

function selectFiles(db: Connection) {
  return db
    .selectFrom('release_file')
    .leftJoin('artifact', 'artifact.sha256', 'release_file.sha256')
    .selectAll('release_file')
    .select('artifact.facts')
    .where('role', '!=', 'asset')
    .orderBy('release_id')
    .orderBy('path')
}

function grouped(rows: readonly StoredFile[]): FilesByRelease {
  return Map.groupBy(rows, (row) => row.release_id)
}
