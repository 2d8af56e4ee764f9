import { hexFromBytes } from '@hotpatch/protocol'
import type { Host } from '../ground/ports.ts'

const SLICE_BYTES = 256 * 1024

/** App versions §9: by what is on the disk, not by what passed by. */
export async function isVerified(
  { part, sha256 }: Pick<Host, 'part' | 'sha256'>,
  expected: { sha256: string; sizeBytes: number },
): Promise<boolean> {
  if ((await part.sizeBytes()) !== expected.sizeBytes) return false
  const hasher = sha256()
  for (let offset = 0; offset < expected.sizeBytes;) {
    const slice = await part.read(offset, Math.min(SLICE_BYTES, expected.sizeBytes - offset))
    // It became shorter while it was read.
    if (slice.length === 0) return false
    hasher.update(slice)
    offset += slice.length
  }
  return hexFromBytes(await hasher.digest()) === expected.sha256
}
