import { createReadStream } from 'node:fs'
import { link, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SECRET_FILES } from '../../people/access/secret-files.ts'
import { VERSION } from '../../ground/version.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import { OperatorError } from '../command/operator-command.ts'
import {
  ARTIFACTS_FOLDER,
  DATABASE_FILE,
  MANIFEST_FILE,
  newManifest,
  SECRETS_FOLDER,
  type BackupFile,
  type BackupManifest,
} from './backup-manifest.ts'
import { copyDatabase, namedArtifacts, type NamedArtifact } from './copy-database.ts'
import { contentOf, flush, writeDurably } from './durable-copy.ts'
import { hasCode } from './has-code.ts'

export interface BackupOptions {
  /** Absent or empty. */
  to: string
  /** The file of SQLite; undefined when the database is dumped by its own tools, before this. */
  databasePath: string | undefined
  dataDirectory: string
  storage: StorageDriver
  withSecrets: boolean
  /** An earlier backup on the same file system, whose artifacts are linked instead of copied. */
  reuse: string | undefined
  now: () => Date
}

/**
 * The database first, and then what it names: what comes while this runs is in neither. Bytes outlive their rows by a day
 * (the server's sweep), so what the copy names is still there.
 */
export async function makeBackup(options: BackupOptions): Promise<BackupManifest> {
  const { to, databasePath, now } = options
  await makeEmptyFolder(to)
  const madeAt = now().toISOString()
  const database = databasePath === undefined ? undefined : await copyDatabase(databasePath, join(to, DATABASE_FILE))
  const files: BackupFile[] = []
  if (database) files.push({ path: DATABASE_FILE, ...(await contentOf(join(to, DATABASE_FILE))) })
  if (options.withSecrets) files.push(...(await copySecrets(options)))
  const artifacts = await copyArtifacts(options)
  const manifest = newManifest({
    serverVersion: VERSION,
    madeAt,
    database: database ? { kind: 'sqlite', schema: database.schema } : null,
    files,
    artifacts,
  })
  await writeManifest(to, manifest)
  return manifest
}

async function makeEmptyFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  if ((await readdir(path)).length === 0) return
  throw new OperatorError(`${path} is not empty. Give a folder for this backup alone, such as one named after the day.`)
}

async function copySecrets({ to, dataDirectory }: BackupOptions): Promise<BackupFile[]> {
  const copied: BackupFile[] = []
  for (const name of SECRET_FILES) {
    const from = join(dataDirectory, name)
    // The environment may have them instead.
    if (!(await isThere(from))) continue
    await mkdir(join(to, SECRETS_FOLDER), { recursive: true, mode: 0o700 })
    const path = `${SECRETS_FOLDER}/${name}`
    copied.push({ path, ...(await writeDurably(createReadStream(from), join(to, path))) })
  }
  return copied
}

async function copyArtifacts(options: BackupOptions): Promise<BackupManifest['artifacts']> {
  const summary = { count: 0, sizeBytes: 0, missing: [] as string[] }
  await mkdir(join(options.to, ARTIFACTS_FOLDER), { mode: 0o700 })
  for await (const artifact of artifactsOf(options)) {
    if (await copyArtifact(artifact, options)) {
      summary.count++
      summary.sizeBytes += artifact.sizeBytes
    } else summary.missing.push(artifact.sha256)
  }
  return summary
}

/** Those that the copied database names; without one all that are there, which is more than any row names. */
async function* artifactsOf({ to, databasePath, storage }: BackupOptions): AsyncGenerator<NamedArtifact> {
  if (databasePath !== undefined) yield* namedArtifacts(join(to, DATABASE_FILE))
  else for await (const { key, sizeBytes } of storage.list()) yield { sha256: key, sizeBytes }
}

/** False when its bytes are not there, or are not what they were. */
async function copyArtifact({ sha256 }: NamedArtifact, { to, storage, reuse }: BackupOptions): Promise<boolean> {
  const path = artifactPath(to, sha256)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  if (reuse !== undefined && (await linkWhole(artifactPath(reuse, sha256), path, sha256))) return true
  const source = await storage.open(sha256)
  if (!source) return false
  const written = await writeDurably(source, path)
  if (written.sha256 === sha256) return true
  await rm(path)
  return false
}

/** What was damaged in the earlier backup is copied anew. */
async function linkWhole(from: string, path: string, sha256: string): Promise<boolean> {
  try {
    if ((await contentOf(from)).sha256 !== sha256) return false
    await link(from, path)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EXDEV', 'EPERM', 'EMLINK')) return false
    throw error
  }
}

export function artifactPath(folder: string, sha256: string): string {
  return join(folder, ARTIFACTS_FOLDER, sha256.slice(0, 2), sha256)
}

/** Whole or not at all, after everything else. */
async function writeManifest(folder: string, manifest: BackupManifest): Promise<void> {
  const path = join(folder, MANIFEST_FILE)
  await writeFile(`${path}.new`, `${JSON.stringify(manifest, undefined, 2)}\n`, { mode: 0o600 })
  await flush(`${path}.new`)
  await rename(`${path}.new`, path)
  await flush(folder)
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}
