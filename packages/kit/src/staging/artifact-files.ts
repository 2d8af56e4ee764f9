import { hexFromBytes, readObject, readSha256, UnexpectedJsonError, type KitFile } from '@hotpatch/protocol'
import type { CryptoPort, FilesPort } from '@hotpatch/device-ground'
import { readKitFile, writeKitFile } from '../ground/kit-files.ts'
import { ARTIFACTS_FOLDER, artifactPathOf } from '../ground/kit-layout.ts'

/** What is called by its digest is whole and verified; nothing else ever has such a name. */
export const artifactPath = artifactPathOf
export const partPath = (sha256: string) => `${artifactPath(sha256)}.part`
const notePath = (sha256: string) => `${artifactPath(sha256)}.part.json`

const SLICE_BYTES = 256 * 1024

export type Wanted = Pick<KitFile, 'sha256' | 'sizeBytes'>

/** Where a download may go on, and of which version of the file on the server. */
export interface Part {
  offset: number
  /** Strong, or empty. */
  etag: string
}

const NOTHING: Part = { offset: 0, etag: '' }

/** What cannot be read says nothing: then the download begins anew. */
export async function readPart(disk: FilesPort, { sha256, sizeBytes }: Wanted): Promise<Part> {
  const part = await disk.stat(partPath(sha256))
  if (part?.kind !== 'file' || part.sizeBytes > sizeBytes) return NOTHING
  const etag = await readNote(disk, sha256)
  return etag === undefined ? NOTHING : { offset: part.sizeBytes, etag }
}

async function readNote(disk: FilesPort, sha256: string): Promise<string | undefined> {
  const read = (value: unknown) => {
    const { etag, ...json } = readObject(value, '')
    if (readSha256(json.sha256, '/sha256') !== sha256 || typeof etag !== 'string') {
      throw new UnexpectedJsonError('', 'the note of this part', value)
    }
    return etag
  }
  return readKitFile(disk, notePath(sha256), read).catch(() => undefined)
}

/** The old bytes go before the note says what the new ones are. */
export async function beginPart(disk: FilesPort, { sha256 }: Wanted, etag: string | undefined): Promise<void> {
  await discardPart(disk, sha256)
  await writeKitFile(disk, notePath(sha256), { sha256, etag: etag?.startsWith('"') ? etag : '' })
}

export async function discardPart(disk: FilesPort, sha256: string): Promise<void> {
  await disk.remove(partPath(sha256))
  await disk.remove(notePath(sha256))
}

/** By what is on the disk, not by what passed by. */
export async function isVerified(
  { disk, crypto }: { disk: FilesPort; crypto: Pick<CryptoPort, 'sha256'> },
  path: string,
  { sha256, sizeBytes }: Wanted,
): Promise<boolean> {
  const found = await disk.stat(path)
  if (found?.kind !== 'file' || found.sizeBytes !== sizeBytes) return false
  const hasher = crypto.sha256()
  for (let offset = 0; offset < sizeBytes;) {
    const slice = await disk.readRange(path, offset, Math.min(SLICE_BYTES, sizeBytes - offset))
    // It became shorter while it was read.
    if (slice.length === 0) return false
    hasher.update(slice)
    offset += slice.length
  }
  return hexFromBytes(await hasher.digest()) === sha256
}

/** The part becomes the artifact, durably. */
export async function keepPart(disk: FilesPort, sha256: string): Promise<void> {
  await disk.sync(partPath(sha256))
  await disk.rename(partPath(sha256), artifactPath(sha256))
  await disk.remove(notePath(sha256))
  await disk.syncDirectory(ARTIFACTS_FOLDER)
}
