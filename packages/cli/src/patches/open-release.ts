import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { App, Release } from '@hotpatch/api'
import type { SourceFile } from '@hotpatch/delta/make'
import {
  ARCHIVE_NAME,
  ENCRYPTED_ARCHIVE_NAME,
  EncryptionError,
  writeTree,
  type DecryptionKey,
  type Statement,
} from '@hotpatch/protocol'
import { decryptFile } from '../content/archive/decrypt-file.ts'
import { unpackZip } from '../content/archive/unpack-zip.ts'
import { fetchArtifact } from '../download/fetch-artifact.ts'
import { CommandError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import { verifyOldStatement } from '../signing/verify-statement.ts'

/** The files of a release, as a patch is made of them or to them. */
export interface OpenedRelease {
  tree: string
  files: SourceFile[]
}

/** What is known of a release beforehand: where it is signed, by its statement alone. */
export interface ReleaseFacts {
  /** Of its zip. */
  plain: { sha256: string; sizeBytes: number }
  /** Undefined: it is not encrypted. */
  encrypted: { sha256: string; sizeBytes: number } | undefined
  /** Undefined: it was published before trees were known. */
  tree: string | undefined
}

/** @throws CommandError where it is no zip, or nobody who is trusted here has signed it */
export function factsOf(app: App, release: Release, publicKeys: readonly string[]): ReleaseFacts {
  const { content, platform, version } = release
  if (content.kind !== 'archive') {
    throw notOpened(release, `Expected one zip, found content of the kind ${content.kind}.`)
  }
  if (release.statement !== null) {
    return statedFacts(release, verifyOldStatement(release, { appId: app.id, platform, version }, publicKeys).statement)
  }
  const { sha256, sizeBytes, encryption, tree } = content
  const stored = { sha256, sizeBytes }
  if (encryption) return { plain: encryption.plain, encrypted: stored, tree }
  return { plain: stored, encrypted: undefined, tree }
}

function statedFacts(release: Release, { artifacts, content }: Statement): ReleaseFacts {
  const named = (wanted: string) => artifacts.find(({ name }) => name === wanted)
  const plain = named(ARCHIVE_NAME)
  if (!plain) throw notOpened(release, `Expected a statement that names ${ARCHIVE_NAME}, found none.`)
  const tree = content?.kind === 'archive' ? content.tree : undefined
  return { plain, encrypted: named(ENCRYPTED_ARCHIVE_NAME), tree }
}

/**
 * Its files: of a zip that lies here, or of the server's bytes, decrypted where they are encrypted. All of it is held
 * against what is known of it before anything is made of it.
 * @param directory of its own, which the caller removes: what is written there is not encrypted
 * @throws CommandError
 */
export async function openRelease(
  session: Session,
  release: Release,
  facts: ReleaseFacts,
  { zip, keys, directory }: { zip: string | undefined; keys: readonly DecryptionKey[]; directory: string },
): Promise<OpenedRelease> {
  await mkdir(directory)
  const path = zip === undefined ? await fetchZip(session, release, facts, { keys, directory }) : zip
  const opened = await openZip(session, path, directory)
  if (facts.tree === undefined || facts.tree === opened.tree) return opened
  const what = zip === undefined ? 'what the server has of it' : zip
  throw notOpened(release, `Expected files of the tree ${facts.tree}, found ${opened.tree} in ${what}.`)
}

/** A zip that lies here, of which nothing is known. */
export async function openZip({ context }: Session, path: string, directory: string): Promise<OpenedRelease> {
  const { zip, files } = await unpackZip(context, resolve(context.cwd, path), directory)
  const paths = new Map(files.map((file) => [file.name, file.path]))
  const sources = zip.unpacked.map((file) => ({ ...file, read: () => readFile(paths.get(file.path) ?? file.path) }))
  return { tree: createHash('sha256').update(writeTree(zip.unpacked)).digest('hex'), files: sources }
}

async function fetchZip(
  session: Session,
  release: Release,
  { plain, encrypted }: ReleaseFacts,
  { keys, directory }: { keys: readonly DecryptionKey[]; directory: string },
): Promise<string> {
  const fetched = await fetchArtifact(session, encrypted ?? plain, join(directory, 'fetched'), (detail, options) =>
    notOpened(release, detail, options),
  )
  if (!encrypted) return fetched.path
  try {
    const how = { keys, purpose: 'archive' } as const
    const { path, sha256 } = await decryptFile(session.context, fetched.path, join(directory, 'decrypted'), how)
    if (sha256 === plain.sha256) return path
    throw notOpened(release, `Expected a zip with the SHA-256 ${plain.sha256} inside, found ${sha256}.`)
  } catch (cause) {
    if (!(cause instanceof EncryptionError)) throw cause
    throw notOpened(release, cause.message, { cause })
  }
}

function notOpened({ version, platform }: Release, detail: string, options?: ErrorOptions): CommandError {
  const advice =
    'Give its private key: --decryption-key FILE; or the zip that it was published of: --from-zip, --to-zip.'
  return new CommandError(
    'release-not-opened',
    `${version} for ${platform} cannot be opened. ${detail} ${advice}`,
    options,
  )
}
