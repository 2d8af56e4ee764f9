import { createReadStream } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { MIGRATIONS } from '../../ground/database/migrations/index.ts'
import { OperatorError } from '../command/operator-command.ts'
import {
  ARTIFACTS_FOLDER,
  DATABASE_FILE,
  readManifest,
  type BackupFile,
  type BackupManifest,
} from './backup-manifest.ts'
import { namedArtifacts, type NamedArtifact } from './copy-database.ts'
import { contentOf, flush, writeDurably } from './durable-copy.ts'
import { hasCode } from './has-code.ts'
import { artifactPath } from './make-backup.ts'

/** What a new file system has in its root. */
const OF_FILE_SYSTEMS = new Set(['lost+found'])
/** What is on its way. What a restore that was killed left is refused as everything that lies there. */
const ON_ITS_WAY = 'restoring'

/**
 * Every file is held against its digest on its way, and nothing is where a server looks for it before all of it was.
 *
 * @throws OperatorError when the target is not empty, or the backup is damaged or of a newer server
 */
export async function restoreBackup({
  from,
  dataDirectory,
  databaseKind,
}: {
  from: string
  dataDirectory: string
  /** Of the server that is to go on with it. */
  databaseKind: 'sqlite' | 'postgres'
}): Promise<BackupManifest> {
  const manifest = await readManifest(from)
  refuseNewer(manifest)
  refuseOtherKind(manifest, databaseKind)
  await refuseFilled(dataDirectory)
  const making = join(dataDirectory, ON_ITS_WAY)
  await mkdir(making, { recursive: true, mode: 0o700 })
  try {
    await copyAll(from, making, manifest)
    // The database last: without it a server finds an empty folder.
    for (const name of (await readdir(making)).sort(
      (a, b) => Number(a === DATABASE_FILE) - Number(b === DATABASE_FILE),
    )) {
      await rename(join(making, name), join(dataDirectory, name))
    }
  } finally {
    await rm(making, { recursive: true, force: true })
  }
  await flush(dataDirectory)
  return manifest
}

/** The same looks, and nothing is written. */
export async function checkBackup(from: string): Promise<BackupManifest> {
  const manifest = await readManifest(from)
  refuseNewer(manifest)
  for (const file of manifest.files) expectSame(file, await contentOf(join(from, file.path)).catch(missing(file.path)))
  for await (const { sha256, sizeBytes } of artifactsOf(from, manifest)) {
    const path = artifactPath(from, sha256)
    expectSame({ path, sha256, sizeBytes }, await contentOf(path).catch(missing(path)))
  }
  return manifest
}

async function copyAll(from: string, to: string, manifest: BackupManifest): Promise<void> {
  for (const file of manifest.files) {
    const source = createReadStream(join(from, file.path))
    // Secrets lie where the first start would make them.
    const written = await writeDurably(source, join(to, basename(file.path))).catch(missing(file.path))
    expectSame(file, written)
  }
  await mkdir(join(to, ARTIFACTS_FOLDER), { mode: 0o700 })
  for await (const { sha256, sizeBytes } of artifactsOf(from, manifest)) {
    const path = join(to, ARTIFACTS_FOLDER, sha256.slice(0, 2), sha256)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const source = createReadStream(artifactPath(from, sha256))
    const written = await writeDurably(source, path).catch(missing(artifactPath(from, sha256)))
    expectSame({ path: artifactPath(from, sha256), sizeBytes, sha256 }, written)
  }
}

/** Without a database, what lies there: each is held against its name. */
async function* artifactsOf(
  from: string,
  { database, artifacts }: BackupManifest,
): AsyncGenerator<NamedArtifact | { sha256: string; sizeBytes: undefined }> {
  if (database === null) {
    for (const shard of await readdir(join(from, ARTIFACTS_FOLDER))) {
      for (const sha256 of await readdir(join(from, ARTIFACTS_FOLDER, shard))) yield { sha256, sizeBytes: undefined }
    }
    return
  }
  const missed = new Set(artifacts.missing)
  for (const artifact of namedArtifacts(join(from, DATABASE_FILE))) if (!missed.has(artifact.sha256)) yield artifact
}

function expectSame(
  expected: { path: string; sizeBytes?: number | undefined; sha256: string },
  found: Omit<BackupFile, 'path'>,
): void {
  const isAsLong = expected.sizeBytes === undefined || expected.sizeBytes === found.sizeBytes
  if (found.sha256 === expected.sha256 && isAsLong) return
  const wanted = expected.sizeBytes === undefined ? 'bytes' : `${expected.sizeBytes} bytes`
  throw new OperatorError(
    `${expected.path} of the backup is damaged: expected ${wanted} with the SHA-256 ${expected.sha256}, ` +
      `found ${found.sizeBytes} with ${found.sha256}. Nothing was restored; use another backup.`,
  )
}

function missing(path: string) {
  return (error: unknown): never => {
    if (!hasCode(error, 'ENOENT')) throw error
    throw new OperatorError(`${path} of the backup is not there. Nothing was restored; use another backup.`, {
      cause: error,
    })
  }
}

function refuseNewer({ database, serverVersion }: BackupManifest): void {
  if (database === null || Object.hasOwn(MIGRATIONS, database.schema)) return
  throw new OperatorError(
    `The backup has the schema "${database.schema}", and this server knows up to "${Object.keys(MIGRATIONS).at(-1)}". ` +
      `Run HotPatch ${serverVersion} or newer, which made it.`,
  )
}

function refuseOtherKind({ database }: BackupManifest, kind: 'sqlite' | 'postgres'): void {
  if ((database?.kind ?? 'postgres') === kind) return
  throw new OperatorError(
    kind === 'postgres'
      ? 'The backup is of SQLite, and DATABASE_URL names PostgreSQL. Unset DATABASE_URL.'
      : 'The backup has no database: it was of PostgreSQL. Restore that by its own tools, and set DATABASE_URL.',
  )
}

async function refuseFilled(directory: string): Promise<void> {
  const found = await readdir(directory).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  })
  const left = found.filter((name) => !OF_FILE_SYSTEMS.has(name))
  if (left.length === 0) return
  throw new OperatorError(
    `${directory} is not empty: it has ${left.slice(0, 3).join(', ')}${left.length > 3 ? ' and more' : ''}. A restore overwrites nothing: ` +
      'move that away, keep it, and try again; or set HOTPATCH_DATA to another folder.',
  )
}
