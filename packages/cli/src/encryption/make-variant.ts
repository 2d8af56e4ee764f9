import { openAsBlob } from 'node:fs'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { NewReleaseVariant } from '@hotpatch/api'
import type { ContentFile } from '../content/content-kind.ts'
import { wholeOf } from '../content/kinds.ts'
import { openFolder, openPacked } from '../content/open-packed.ts'
import { CommandError } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'
import { createCapgoSession, type CapgoSession } from './capgo-encryption.ts'
import type { CapgoKey } from './capgo-key.ts'

/** Of a release, for the devices that have the key. */
export interface MadeVariant {
  metadata: NewReleaseVariant
  /** The whole zip, encrypted. */
  bundle: string
  /** A zip of its files, each encrypted by itself; undefined: devices take the whole. */
  files: string | undefined
}

/** What a server keeps single files of (Content §7). */
const MAX_FILES = 20_000
const ENTRY = 'index.html'
/** Such a name would be taken for a file that is compressed. */
const COMPRESSED = /\.br$/
/** Each is encrypted in memory. */
const MAX_FILE_BYTES = 64 * 1024 ** 2

/**
 * Encrypts the bytes that lie here, which become those of the release. Nothing of it is what a server sent: a device
 * believes whatever this key has encrypted.
 * @param directory of its own: what is written there is not encrypted, and the caller removes it
 */
export async function makeVariant(
  context: CliContext,
  zip: { path: string; sha256: string },
  key: CapgoKey,
  directory: string,
): Promise<MadeVariant> {
  await mkdir(directory)
  const opened = await openPacked(context, zip.path, join(directory, 'plain'))
  const plain = await opened.pack()
  if (wholeOf(plain).sha256 !== zip.sha256) {
    throw new CommandError('bundle-changed', `${zip.path} changed while it was published. Run it again.`)
  }
  const session = createCapgoSession(key)
  const bundle = join(directory, 'encrypted.zip')
  const { keyId, sessionKey } = session
  const { checksum } = await session.encryptFile(wholeOf(plain).path, bundle)
  const parts = canBeParted(opened.files) ? await encryptParts(context, session, opened.files, directory) : undefined
  const files = parts?.checksums
  return {
    metadata: { algorithm: 'capgo-v2', keyId, sessionKey, checksum, ...(files && { files }) },
    bundle,
    files: parts?.path,
  }
}

function canBeParted(files: readonly ContentFile[]): boolean {
  const isFit = files.every(({ name, sizeBytes }) => !COMPRESSED.test(name) && sizeBytes <= MAX_FILE_BYTES)
  return isFit && files.length <= MAX_FILES && files.some(({ name }) => name === ENTRY)
}

async function encryptParts(
  context: CliContext,
  session: CapgoSession,
  files: readonly ContentFile[],
  directory: string,
) {
  const root = join(directory, 'parts')
  const checksums: { path: string; checksum: string }[] = []
  for (const file of files) {
    context.signal.throwIfAborted()
    const part = session.encryptPart(file.name, await readFile(file.path))
    if (!part) continue
    await mkdir(dirname(join(root, part.name)), { recursive: true })
    await writeFile(join(root, part.name), part.bytes)
    checksums.push({ path: part.name, checksum: part.checksum })
  }
  if (checksums.length === 0) return undefined
  const packed = await (await openFolder(context, root, join(directory, 'packing'))).pack()
  return { path: wholeOf(packed).path, checksums }
}

/** The same bytes each time it is asked for: the server gives them the same answer. */
export async function formOf({ metadata, bundle, files }: MadeVariant): Promise<FormData> {
  const form = new FormData()
  // As a file, as a field may not be as long as a list of all files.
  form.set('metadata', new Blob([JSON.stringify(metadata)], { type: 'application/json' }), 'metadata.json')
  form.set('bundle', await openAsBlob(bundle), 'bundle')
  if (files !== undefined) form.set('files', await openAsBlob(files), 'files.zip')
  return form
}

export async function sizeOf({ bundle, files }: MadeVariant): Promise<number> {
  const sizes = await Promise.all([bundle, ...(files === undefined ? [] : [files])].map((path) => stat(path)))
  return sizes.reduce((sum, { size }) => sum + size, 0)
}
