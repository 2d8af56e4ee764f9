import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MAX_ADDED_SIGNATURES, type AddedSignature, type App, type Release } from '@hotpatch/api'
import { HOT_UPDATER_MANIFEST, readHotUpdaterManifest } from '@hotpatch/protocol'
import type { ContentFile, ContentUpload } from '../content/content-kind.ts'
import { openPacked } from '../content/open-packed.ts'
import { digestOfFile } from '../content/digest-of-file.ts'
import { CommandError } from '../errors/errors.ts'
import { formatCount } from '../output/text.ts'
import type { Session } from '../session/session.ts'
import { persistently } from '../upload/retry.ts'
import type { RegisteredRsaKey } from './choose-rsa-key.ts'

/** The schemes of Signing §10 that this tool signs by: of what hot-updater builds, its own. */
export const RSA_SCHEME = 'rsa-sha256'
const HOT_UPDATER_SCHEME = 'rsa-sha256-digest'

/** The list of files that Capawesome's own tool puts into a bundle: where it is, devices take single files. */
const LIST = 'capawesome-live-update-manifest.json'
const MAX_LISTED = 5_000
const MAX_LIST_BYTES = 16 * 1024 ** 2

/**
 * Signs the bytes that lie here, and, where they have a list of files, each of the files, or what hot-updater built, by
 * its scheme, with its list, in which its tool has signed the files. The same again changes nothing,
 * so that what was interrupted can be done again. Until all files are signed, devices get the release as a whole.
 * @returns that of the whole
 */
export async function addRsaSignatures(
  session: Session,
  { app, release, zip }: { app: App; release: Pick<Release, 'id'>; zip: Pick<ContentUpload, 'path' | 'sha256'> },
  key: RegisteredRsaKey,
  directory: string,
): Promise<AddedSignature> {
  const { api, context, output } = session
  const send = async (scheme: typeof RSA_SCHEME | typeof HOT_UPDATER_SCHEME, signatures: NewSignature[]) => {
    const body = { scheme, keyId: key.keyId, signatures } as const
    return (await persistently(session, () => api.addSignatures(app.id, release.id, body))).items
  }
  const add = async (files: readonly (readonly [subject: string, path: string])[]) => {
    const signatures = []
    for (const [subject, path] of files) {
      context.signal.throwIfAborted()
      signatures.push({ subject, value: await key.signFile(path) })
    }
    return send(RSA_SCHEME, signatures)
  }
  const { files } = await openPacked(context, zip.path, join(directory, 'signing'))
  const manifest = await findHotUpdaterManifest(files)
  const [whole] = manifest
    ? await send(
        HOT_UPDATER_SCHEME,
        [zip.sha256, manifest].map((subject) => ({ subject, value: key.signDigest(subject) })),
      )
    : await add([[zip.sha256, zip.path]])
  if (!whole) throw new CommandError('answer-unexpected', 'The server did not say which signature it keeps.')
  output.notice(`Signed with the RSA key ${key.keyId} (${key.path}).`)
  if (manifest) return whole
  const digests = await findListed(files)
  if (digests === 'unfit') {
    output.notice(`! ${LIST} is not the list of these files: devices get the release as a whole. Make the list anew.`)
    return whole
  }
  const listed = [...digests]
  for (let first = 0; first < listed.length; first += MAX_ADDED_SIGNATURES) {
    await add(listed.slice(first, first + MAX_ADDED_SIGNATURES))
  }
  if (digests.size > 0) output.notice(`Signed each of ${formatCount(files.length, 'file')}, too.`)
  return whole
}

interface NewSignature {
  subject: string
  value: string
}

/** The digest of it, where it is what hot-updater has built. */
async function findHotUpdaterManifest(files: readonly ContentFile[]): Promise<string | undefined> {
  const file = files.find(({ name }) => name === HOT_UPDATER_MANIFEST)
  if (!file || file.sizeBytes > MAX_LIST_BYTES) return undefined
  const isOne = readHotUpdaterManifest(await readFile(file.path, 'utf8')) !== undefined
  return isOne ? digestOfFile(file.path) : undefined
}

/** Paths by digest, with the list itself; none where there is no list. */
async function findListed(files: readonly ContentFile[]): Promise<ReadonlyMap<string, string> | 'unfit'> {
  const list = files.find(({ name }) => name === LIST)
  if (!list) return new Map()
  if (files.length > MAX_LISTED || list.sizeBytes > MAX_LIST_BYTES) return 'unfit'
  const told = readList(await readFile(list.path, 'utf8'))
  const digests = new Map<string, string>()
  for (const file of files) {
    const sha256 = await digestOfFile(file.path)
    if (file !== list && told.get(file.name) !== sha256) return 'unfit'
    digests.set(sha256, file.path)
  }
  return told.size === files.length - 1 ? digests : 'unfit'
}

function readList(text: string): ReadonlyMap<string, string> {
  try {
    const items = JSON.parse(text) as { href: string; checksum: string }[]
    return new Map(items.map(({ href, checksum }) => [href, checksum]))
  } catch {
    return new Map() // which lists nothing
  }
}
