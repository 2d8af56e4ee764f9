import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AddedSignature, App, Release } from '@hotpatch/api'
import type { ContentFile, ContentUpload } from '../content/content-kind.ts'
import { openPacked } from '../content/open-packed.ts'
import { digestOfFile } from '../content/digest-of-file.ts'
import { formatCount } from '../output/text.ts'
import type { Session } from '../session/session.ts'
import { persistently } from '../upload/retry.ts'
import type { RegisteredRsaKey } from './choose-rsa-key.ts'

/** The scheme of Signing §10 that this tool signs by. */
export const RSA_SCHEME = 'rsa-sha256'

/** The list of files that Capawesome's own tool puts into a bundle: where it is, devices take single files. */
const LIST = 'capawesome-live-update-manifest.json'
const MAX_LISTED = 5_000
const MAX_LIST_BYTES = 16 * 1024 ** 2

/**
 * Signs the bytes that lie here, and, where they have a list of files, each of the files. The same again changes nothing,
 * so that what was interrupted can be done again.
 * @returns that of the whole
 */
export async function addRsaSignatures(
  session: Session,
  { app, release, zip }: { app: App; release: Pick<Release, 'id'>; zip: Pick<ContentUpload, 'path' | 'sha256'> },
  key: RegisteredRsaKey,
  directory: string,
): Promise<AddedSignature> {
  const { api, context, output } = session
  const add = async (path: string, subject: string) => {
    const body = { scheme: RSA_SCHEME, keyId: key.keyId, value: await key.signFile(path), subject } as const
    return persistently(session, () => api.addSignature(app.id, release.id, body))
  }
  const whole = await add(zip.path, zip.sha256)
  output.notice(`Signed with the RSA key ${key.keyId} (${key.path}).`)
  const { files } = await openPacked(context, zip.path, join(directory, 'signing'))
  const digests = await findListed(files)
  if (digests === 'unfit') {
    output.notice(`! ${LIST} is not the list of these files: devices get the release as a whole. Make the list anew.`)
    return whole
  }
  for (const [sha256, path] of digests) {
    context.signal.throwIfAborted()
    await add(path, sha256)
  }
  if (digests.size > 0) output.notice(`Signed each of ${formatCount(files.length, 'file')}, too.`)
  return whole
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
