import { openAsBlob } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { App, Patch, Release } from '@hotpatch/api'
import { makeTreePatch } from '@hotpatch/delta/make'
import type { DecryptionKey, EncryptionKey, Platform } from '@hotpatch/protocol'
import { onceEach } from '../config/encryption-recipients.ts'
import { encryptFile } from '../content/archive/encrypt-file.ts'
import type { MeasuredFile } from '../content/archive/write-measured.ts'
import { withTemporary } from '../content/temporary-folder.ts'
import { encryptionKeyPath, readEncryptionKey, type EncryptionKeyPair } from '../encryption/encryption-key.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { formatBytes, formatCount } from '../output/text.ts'
import { findNamedRelease } from '../release/find-release.ts'
import type { Session } from '../session/session.ts'
import { findOwnKey } from '../signing/choose-key.ts'
import { persistently } from '../upload/retry.ts'
import { factsOf, openRelease, openZip, type OpenedRelease } from './open-release.ts'

/** Where what is to be compared comes from, and for whom the patch is. */
export interface EncryptedPatchOptions {
  fromZip?: string
  toZip?: string
  decryptionKey?: string[]
  encryptFor?: readonly EncryptionKey[]
}

export interface EncryptedPatchWish {
  app: App
  platform: Platform
  from: string
  to: Release
}

interface WrittenPatch extends MeasuredFile {
  format: string
}

/** Patches §5.1. */
const FORMATS = { brotli: 'hpdelta1-br', deflate: 'hpdelta1-deflate' } as const
const PACKINGS = ['brotli', 'deflate'] as const
/** As of patches that a server makes: what is new is in memory, packed. */
const MAX_UNPACKED_BYTES = 512 * 1024 ** 2
/** Patches §8. */
const MAX_FILES = 20_000
/** As of what was installed with a binary. */
const EMBEDDED = /^embedded:/

/**
 * Encryption §4.1: makes what the server cannot, and sends it, in each packing. Whatever was decrypted for that is gone when
 * it ends.
 * @throws CommandError
 */
export async function sendEncryptedPatch(
  session: Session,
  { app, platform, from, to }: EncryptedPatchWish,
  options: EncryptedPatchOptions,
): Promise<Patch> {
  const { api, output } = session
  const known = await findKnown(session, { app, platform, from, to })
  if (known) {
    output.notice(`There is one already. To make it once more, prune it before: patches prune ${known.id}`)
    return known
  }
  const own = await findKeys(session, options)
  const recipients = recipientsOf(to, [
    ...(options.encryptFor ?? []),
    ...(session.project?.encryptFor ?? []),
    ...own.map(({ keyId, publicKey }) => ({ keyId, publicKey: Buffer.from(publicKey, 'base64') })),
  ])
  const keys = own.map(({ keyId, privateKey }) => ({ keyId, privateKey: privateKey() }))
  return withTemporary(session.context, async (directory) => {
    const opened = await openBoth(session, { app, platform, from, to }, options, { keys, directory })
    const written = await writePatches(session, to, opened, { recipients, directory })
    let patch: Patch | undefined
    for (const { format, path, sizeBytes } of written) {
      output.notice(`Sending it encrypted, as ${format}: ${formatBytes(sizeBytes)}.`)
      const body = await openAsBlob(path)
      patch = await persistently(session, () => api.sendPatch(app.id, { platform, from, to: to.version }, body))
    }
    if (patch) return patch
    throw new Error('Expected a patch to be sent.')
  })
}

async function findKnown(
  { api }: Session,
  { app, platform, from, to }: EncryptedPatchWish,
): Promise<Patch | undefined> {
  const { items } = await api.listPatches(app.id, { state: 'made' })
  // Of one that broke off, a packing is missing: made anew, both are of the same.
  return items.find(
    (each) =>
      each.isEncrypted &&
      each.platform === platform &&
      each.from === from &&
      each.toReleaseId === to.id &&
      each.packed.length === PACKINGS.length,
  )
}

/** Those that are named, or one's own where there is one; none at all where the zips lie here. */
async function findKeys(
  { context }: Session,
  { decryptionKey, fromZip, toZip }: EncryptedPatchOptions,
): Promise<EncryptionKeyPair[]> {
  if (decryptionKey) {
    return Promise.all(decryptionKey.map((path) => readEncryptionKey(encryptionKeyPath(context, path))))
  }
  try {
    return [await readEncryptionKey(encryptionKeyPath(context, undefined))]
  } catch (error) {
    if (!(error instanceof CommandError) || error.type !== 'key-missing') throw error
    if (fromZip !== undefined && toZip !== undefined) return []
    const detail = 'To compare two releases that are encrypted takes the private key of one that they are for'
    const advice = `--decryption-key FILE. Without it: the zips that they were published of, --from-zip and --to-zip`
    throw new CommandError('key-missing', `${detail}: ${advice}. ${error.message}`, { cause: error })
  }
}

/** Of the server's word only ids are taken: for what key it is encrypted, is said here. */
function recipientsOf({ content, version }: Release, known: readonly EncryptionKey[]): EncryptionKey[] {
  const keyIds = (content.kind === 'archive' && content.encryption?.keyIds) || []
  const publicKeys = onceEach(known)
  const recipients = publicKeys.filter(({ keyId }) => keyIds.includes(keyId))
  const missing = keyIds.filter((keyId) => !recipients.some((each) => each.keyId === keyId))
  if (missing.length === 0) return recipients
  const advice = 'Name them in encryptFor of hotpatch.json, or by --encrypt-for.'
  throw new CommandError(
    'recipients-missing',
    `${version} is encrypted for ${keyIds.join(', ')}, and a patch to it is for the same. Found no public key of ${missing.join(', ')}. ${advice}`,
  )
}

async function openBoth(
  session: Session,
  { app, platform, from, to }: EncryptedPatchWish,
  { fromZip, toZip }: EncryptedPatchOptions,
  { keys, directory }: { keys: readonly DecryptionKey[]; directory: string },
): Promise<{ base: OpenedRelease; target: OpenedRelease }> {
  const signing = await findOwnKey(session.context, undefined)
  const publicKeys = [...(signing ? [signing.publicKey] : []), ...session.trust.publicKeysFor(app.id)]
  const open = (release: Release, zip: string | undefined, name: string) =>
    openRelease(session, release, factsOf(app, release, publicKeys), { zip, keys, directory: join(directory, name) })
  const openEmbedded = async () => {
    if (fromZip === undefined) {
      throw new UsageError(`Give the files that ${from} stands for: --from-zip FILE.`)
    }
    const own = join(directory, 'base')
    await mkdir(own)
    // Its id is the digest of its tree, which the server holds the patch against.
    return openZip(session, fromZip, own)
  }
  const base = EMBEDDED.test(from)
    ? await openEmbedded()
    : await open(await findNamedRelease(session.api, app, { platform, version: from }), fromZip, 'base')
  return { base, target: await open(to, toZip, 'target') }
}

async function writePatches(
  { context }: Session,
  { content, version }: Release,
  { base, target }: { base: OpenedRelease; target: OpenedRelease },
  { recipients, directory }: { recipients: readonly EncryptionKey[]; directory: string },
): Promise<WrittenPatch[]> {
  for (const { files } of [base, target]) requireComparable(files)
  const wholeBytes = content.kind === 'archive' ? content.sizeBytes : 0
  const { patches } = await makeTreePatch(base.files, target.files, { packings: PACKINGS, signal: context.signal })
  const written: WrittenPatch[] = []
  for (const { packing, bytes } of patches) {
    const format = FORMATS[packing]
    const plain = join(directory, format)
    await writeFile(plain, bytes, { mode: 0o600 })
    const facts = {
      purpose: 'patch' as const,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      sizeBytes: bytes.length,
      tree: target.tree,
      patch: { format, baseTree: base.tree },
    }
    const encrypted = await encryptFile(context, plain, `${plain}.encrypted`, { facts, keys: recipients })
    written.push({ format, ...encrypted })
  }
  const smaller = written.filter(({ sizeBytes }) => sizeBytes < wholeBytes)
  if (smaller.length > 0) return smaller
  const least = Math.min(...written.map(({ sizeBytes }) => sizeBytes))
  throw new CommandError(
    'patch-not-made',
    `There is no patch to ${version}: it would have ${formatBytes(least)}, encrypted, and the release has ${formatBytes(wholeBytes)}, which devices take instead.`,
  )
}

function requireComparable(files: OpenedRelease['files']): void {
  const unpackedBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  if (files.length <= MAX_FILES && unpackedBytes <= MAX_UNPACKED_BYTES) return
  const found = `${formatCount(files.length, 'file')} of ${formatBytes(unpackedBytes)}`
  const expected = `up to ${formatCount(MAX_FILES, 'file')} of ${formatBytes(MAX_UNPACKED_BYTES)}`
  throw new CommandError('patch-not-made', `Expected two releases of ${expected}, unpacked, found ${found}.`)
}
