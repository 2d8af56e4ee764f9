import { hexFromBytes, type ManifestFile } from '@hotpatch/protocol'
import type { FilesPort } from '@hotpatch/device-ground'
import type { Installation } from '../install/installer.ts'
import { readTree } from '../state/release-tree.ts'
import { PENDING_BEFORE, SLOTS } from '../state/storage-layout.ts'

const CHUNK = 256 * 1024

/** Where bytes lie on this device, by their digest: of what runs, ran or waits, and of what was once begun. */
export type Copies = ReadonlyMap<string, readonly string[]>

export async function findCopies(files: FilesPort): Promise<Copies> {
  const copies = new Map<string, string[]>()
  for (const root of [SLOTS.bundle, SLOTS.previous, SLOTS.pending, PENDING_BEFORE]) {
    for (const { path, sha256 } of (await readTree(files, root))?.files ?? []) {
      const known = copies.get(sha256)
      if (known) known.push(`${root}/${path}`)
      else copies.set(sha256, [`${root}/${path}`])
    }
  }
  return copies
}

/** False when it is not what it was, or cannot be read: then it has to be fetched. */
export async function copyVerified(
  ports: Installation['ports'],
  from: string,
  to: string,
  file: Pick<ManifestFile, 'sha256' | 'sizeBytes'>,
): Promise<boolean> {
  const stat = await ports.files.stat(from)
  if (stat?.kind !== 'file' || stat.sizeBytes !== file.sizeBytes) return false
  return copyRead(ports, (offset, length) => ports.files.readRange(from, offset, length), { to, ...file })
}

/** The same of what lies somewhere else. Every byte is hashed on its way. */
export async function copyRead(
  { files, crypto }: Installation['ports'],
  read: (offset: number, length: number) => Promise<Uint8Array>,
  { to, sha256, sizeBytes }: Pick<ManifestFile, 'sha256' | 'sizeBytes'> & { to: string },
): Promise<boolean> {
  const hasher = crypto.sha256()
  for (let offset = 0; offset === 0 || offset < sizeBytes; offset += CHUNK) {
    const wanted = Math.min(CHUNK, sizeBytes - offset)
    // A place of the disk that cannot be read any more is no reason not to fetch what was there.
    const bytes = await read(offset, wanted).catch(() => undefined)
    if (bytes?.length !== wanted) return false
    hasher.update(bytes)
    await files.append(to, offset, bytes)
  }
  if (hexFromBytes(await hasher.digest()) !== sha256) return false
  await files.sync(to)
  return true
}
