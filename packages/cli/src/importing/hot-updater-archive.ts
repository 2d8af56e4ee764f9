import { createPublicKey, verify } from 'node:crypto'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { NewAddedSignatures, SigningKey } from '@hotpatch/api'
import { HOT_UPDATER_MANIFEST } from '@hotpatch/protocol'
import { unpackZip } from '../content/archive/unpack-zip.ts'
import type { MeasuredFile } from '../content/archive/write-measured.ts'
import { zipBundle, type UnpackedZip } from '../content/archive/zip-bundle.ts'
import type { ContentFile } from '../content/content-kind.ts'
import { digestOfFile } from '../content/digest-of-file.ts'
import { CommandError } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'
import { SIGNED, type HotUpdaterBundle } from './hot-updater-history.ts'
import type { HotUpdaterSource } from './hot-updater-source.ts'

/** A zip as it is published, and what its publisher has signed of it. */
export interface ImportedArchive {
  zip: MeasuredFile
  signatures: NewAddedSignatures | undefined
}

const ZIP_HEAD = Buffer.from('PK\x03\x04')
/** What its older tools wrote the id into. */
const ID_FILE = 'BUNDLE_ID'

/**
 * Fetched, and held against what the source says of it.
 * @param keys of the app, by which signatures are verified
 * @throws CommandError package-unreadable, package-differs or bundle-invalid
 */
export async function fetchArchive(
  context: CliContext,
  source: HotUpdaterSource,
  bundle: HotUpdaterBundle,
  { temporary, keys, unverified }: { temporary: string; keys: readonly SigningKey[]; unverified: boolean },
): Promise<ImportedArchive> {
  const path = join(temporary, 'fetched')
  await source.fetchArchive(bundle, path)
  const keyId = requireSame(bundle.fileHash, await digestOfFile(path), { keys, unverified })
  await requireZip(path)
  const { zip, files } = await unpackZip(context, path, temporary)
  const manifest = files.find(({ name }) => name === HOT_UPDATER_MANIFEST)
  if (keyId === undefined) {
    if (manifest) return { zip, signatures: undefined }
    return { zip: await withManifest(context, bundle, { zip, files, temporary }), signatures: undefined }
  }
  if (!manifest || bundle.manifestHash === undefined) {
    const reason = 'it is signed, and was built without the list of its files, which clients of now want'
    throw new CommandError('bundle-invalid', `${reason}. Deploy it anew`)
  }
  const manifestSha256 = await digestOfFile(manifest.path)
  requireSame(bundle.manifestHash, manifestSha256, { keys, unverified: false })
  const signed = [
    { subject: zip.sha256, value: signatureOf(bundle.fileHash) },
    { subject: manifestSha256, value: signatureOf(bundle.manifestHash) },
  ]
  return { zip, signatures: { scheme: 'rsa-sha256-digest', keyId, signatures: signed } }
}

/** @returns the key by which it is signed; undefined: it is a plain digest */
function requireSame(
  told: string,
  sha256: string,
  { keys, unverified }: { keys: readonly SigningKey[]; unverified: boolean },
): string | undefined {
  if (!told.startsWith(SIGNED)) {
    if (told === sha256 || unverified) return undefined
    const expected = `expected bytes with the SHA-256 ${told}, as the source says, found ${sha256}`
    throw new CommandError('package-differs', `${expected}; --unverified takes them all the same`)
  }
  const bytes = Buffer.from(sha256, 'hex')
  const signature = Buffer.from(signatureOf(told), 'base64')
  const key = keys.find(({ publicKey }) => verify('sha256', bytes, createPublicKey(publicKey), signature))
  if (key) return key.id
  const found = keys.length === 0 ? 'the app here has no RSA key' : 'no RSA key of the app here verifies it'
  const advice = 'Give it the publicKey of the app: keys add --rsa public-key.pem'
  throw new CommandError('package-differs', `it is signed, and ${found}. ${advice}`)
}

const signatureOf = (hash: string) => hash.slice(SIGNED.length)

async function requireZip(path: string): Promise<void> {
  const handle = await open(path)
  try {
    const { buffer } = await handle.read(Buffer.alloc(ZIP_HEAD.length), 0, ZIP_HEAD.length, 0)
    if (buffer.equals(ZIP_HEAD)) return
  } finally {
    await handle.close()
  }
  const reason = 'it is no zip but a tar, which was not made with the compressStrategy zip'
  throw new CommandError('bundle-invalid', `${reason}. Deploy it anew with that`)
}

/** What was built before 0.31 has no list of its files. Nobody signed it, so it may be packed anew with one. */
async function withManifest(
  context: CliContext,
  { id }: HotUpdaterBundle,
  { zip, files, temporary }: { zip: UnpackedZip; files: readonly ContentFile[]; temporary: string },
): Promise<MeasuredFile> {
  const idFile = files.find(({ name }) => name === ID_FILE)
  const told = idFile && idFile.sizeBytes < 100 ? (await readFile(idFile.path, 'utf8')).trim() : id
  if (told !== id) throw new CommandError('bundle-invalid', `expected the build ${id} in it, found ${told}`)
  const listed = zip.unpacked.filter(({ path }) => path !== ID_FILE)
  const assets = Object.fromEntries(listed.map(({ path, sha256 }) => [path, { fileHash: sha256 }]))
  const text = `${JSON.stringify({ bundleId: id, assets }, null, 2)}\n`
  const path = join(temporary, HOT_UPDATER_MANIFEST)
  await writeFile(path, text)
  const manifest = { name: HOT_UPDATER_MANIFEST, path, sizeBytes: Buffer.byteLength(text) }
  return zipBundle(context, [...files, manifest], join(temporary, 'with-manifest.zip'))
}
