import type { ContentKindName } from '@hotpatch/protocol'
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
    const batch = files.slice(start, start + BATCH)
    const rows = batch.map(({ told_sha256: _, sha512: __, package_hash: ___, ...file }) => ({
      ...file,
      release_id: releaseId,
    }))
    await tx.insertInto('release_file').values(rows).execute()
    const digests = batch.flatMap((file) => digestsOf(releaseId, file))
    if (digests.length > 0) await tx.insertInto('file_digest').values(digests).execute()
  }
}

function digestsOf(
  releaseId: string,
  { role, path, told_sha256, sha512, package_hash }: ReleaseFile,
): Schema['file_digest'][] {
  const of = { release_id: releaseId, role, path }
  return [
    ...(told_sha256 === null ? [] : [{ ...of, algorithm: 'sha256' as const, value: told_sha256 }]),
    ...(sha512 === null ? [] : [{ ...of, algorithm: 'sha512' as const, value: sha512 }]),
    ...(package_hash === null ? [] : [{ ...of, algorithm: 'package' as const, value: package_hash }]),
  ]
}

export async function listFilesOf(db: Connection, releaseIds: readonly string[]): Promise<FilesByRelease> {
  if (releaseIds.length === 0) return new Map()
  return grouped(await selectFiles(db).where('release_file.release_id', 'in', releaseIds).execute())
}

/** All of one, also what its archive contains. */
export function listAllFilesOf(db: Connection, releaseId: string): Promise<Schema['release_file'][]> {
  return db.selectFrom('release_file').selectAll().where('release_id', '=', releaseId).execute()
}

/** Those that its manifest lists, or that its archive contains, in the order of their paths. */
export function listAssetsAfter(
  db: Connection,
  releaseId: string,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<Schema['release_file'][]> {
  return db
    .selectFrom('release_file')
    .selectAll()
    .where('release_id', '=', releaseId)
    .where('role', '=', 'asset')
    .$if(after !== undefined, (files) => files.where('path', '>', after ?? ''))
    .orderBy('path')
    .limit(limit)
    .execute()
}

/** Of all releases that were ever placed there; without those of components, which devices know from their statement. */
export async function listPlacedFiles(db: Connection, place: PlaceOfReleases): Promise<FilesByRelease> {
  const rows = await selectFiles(db)
    .where('release_file.release_id', 'in', placedReleases(db, place))
    .where('release_file.role', '!=', 'component')
    .execute()
  return grouped(rows)
}

function selectFiles(db: Connection) {
  return db
    .selectFrom('release_file')
    .innerJoin('release', 'release.id', 'release_file.release_id')
    .leftJoin('artifact_facts', (join) =>
      join.onRef('artifact_facts.sha256', '=', 'release_file.sha256').onRef('artifact_facts.kind', '=', 'release.kind'),
    )
    .leftJoin('file_digest as told', (join) =>
      join
        .onRef('told.release_id', '=', 'release_file.release_id')
        .onRef('told.role', '=', 'release_file.role')
        .onRef('told.path', '=', 'release_file.path')
        .on('told.algorithm', '=', 'sha256'),
    )
    .leftJoin('file_digest as long', (join) =>
      join
        .onRef('long.release_id', '=', 'release_file.release_id')
        .onRef('long.role', '=', 'release_file.role')
        .onRef('long.path', '=', 'release_file.path')
        .on('long.algorithm', '=', 'sha512'),
    )
    .leftJoin('file_digest as package', (join) =>
      join
        .onRef('package.release_id', '=', 'release_file.release_id')
        .onRef('package.role', '=', 'release_file.role')
        .onRef('package.path', '=', 'release_file.path')
        .on('package.algorithm', '=', 'package'),
    )
    .selectAll('release_file')
    .select([
      'artifact_facts.facts',
      'told.value as told_sha256',
      'long.value as sha512',
      'package.value as package_hash',
    ])
    .where('release_file.role', '!=', 'asset')
    .orderBy('release_file.release_id')
    .orderBy('release_file.path')
}

function grouped(rows: readonly StoredFile[]): FilesByRelease {
  return Map.groupBy(rows, (row) => row.release_id)
}

/** Releases that have any of these bytes. */
export async function listReleasesWith(db: Connection, keys: readonly string[]): Promise<string[]> {
  const rows = await db.selectFrom('release_file').select('release_id').distinct().where('sha256', 'in', keys).execute()
  return rows.map((row) => row.release_id)
}

/** The newest counts; that of its files is there several times. */
const MAX_EARLIER = 10

/**
 * What was found of the files of an app's releases in these formats, newest first: whatever platform their release was
 * said to be for, as that is for whoever publishes to say.
 */
export async function listEarlierFacts(
  db: Connection,
  { appId, kind, formats }: { appId: string; kind: ContentKindName; formats: readonly string[] },
): Promise<string[]> {
  const rows = await db
    .selectFrom('release')
    .innerJoin('release_file', 'release_file.release_id', 'release.id')
    .innerJoin('artifact_facts', (join) =>
      join.onRef('artifact_facts.sha256', '=', 'release_file.sha256').on('artifact_facts.kind', '=', kind),
    )
    .select('artifact_facts.facts')
    .where('release.app_id', '=', appId)
    .where('release.kind', '=', kind)
    .where('release_file.role', '=', 'binary')
    .where('release_file.format', 'in', formats)
    .orderBy('release.created_at', 'desc')
    .orderBy('release.sequence', 'desc')
    .limit(MAX_EARLIER)
    .execute()
  return rows.map(({ facts }) => facts)
}
