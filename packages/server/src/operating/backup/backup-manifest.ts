import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from './has-code.ts'
import { OperatorError } from '../command/operator-command.ts'

export const MANIFEST_FILE = 'manifest.json'
export const DATABASE_FILE = 'hotpatch.db'
export const ARTIFACTS_FOLDER = 'artifacts'
export const SECRETS_FOLDER = 'secrets'
const FORMAT_VERSION = 1
const MAX_FILES = 16
const DIGEST = /^[0-9a-f]{64}$/
/** A name of ours, and nothing that leads elsewhere. */
const FILE_PATH = /^(?:hotpatch\.db|secrets\/[a-z-]{1,64})$/

/** A file beside the artifacts, whose own names are their digests. */
export interface BackupFile {
  path: string
  sizeBytes: number
  sha256: string
}

/** Written last: a backup without one is not whole. Nobody has signed it: it finds damage, and no forgery. */
export interface BackupManifest {
  format: 'hotpatch-backup'
  formatVersion: number
  serverVersion: string
  madeAt: string
  /** Null: on PostgreSQL, which is dumped by its own tools. */
  database: { kind: 'sqlite'; schema: string } | null
  files: BackupFile[]
  artifacts: {
    count: number
    sizeBytes: number
    /** That the database names, and of which the storage did not have the bytes. */
    missing: string[]
  }
}

export function newManifest(facts: Omit<BackupManifest, 'format' | 'formatVersion'>): BackupManifest {
  return { format: 'hotpatch-backup', formatVersion: FORMAT_VERSION, ...facts }
}

/** @throws OperatorError when there is none, or none that this server can read */
export async function readManifest(folder: string): Promise<BackupManifest> {
  const path = join(folder, MANIFEST_FILE)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error
    throw new OperatorError(
      `${folder} is no whole backup: ${MANIFEST_FILE}, which is written last, is not there. Give the folder of another one.`,
    )
  }
  const read = parseManifest(text)
  if (read) return read
  throw new OperatorError(
    `${path} is damaged, or of a newer HotPatch: expected the format ${FORMAT_VERSION} of "hotpatch-backup". ` +
      'Use the version of HotPatch that made it, or another backup.',
  )
}

function parseManifest(text: string): BackupManifest | undefined {
  let read: BackupManifest
  try {
    read = JSON.parse(text) as BackupManifest
  } catch {
    return undefined // cut off
  }
  if (read?.format !== 'hotpatch-backup' || read.formatVersion !== FORMAT_VERSION) return undefined
  const { files, artifacts, database } = read
  const isWhole =
    Array.isArray(files) && files.length <= MAX_FILES && files.every(isFile) && Array.isArray(artifacts?.missing)
  const hasDatabase = database === null || (database?.kind === 'sqlite' && typeof database.schema === 'string')
  return isWhole && hasDatabase ? read : undefined
}

function isFile({ path, sizeBytes, sha256 }: BackupFile): boolean {
  return FILE_PATH.test(path) && Number.isSafeInteger(sizeBytes) && DIGEST.test(sha256)
}
