import { readDirectory, type ZipBytes } from '@hotpatch/binary-files/zip'
import { MAX_FILE_PATH_BYTES } from '@hotpatch/protocol'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import type { Entry } from './entry.ts'

/** Of a zip without ZIP64: whatever the server's own limit was when it came. */
const LIMITS = { maxFiles: 65_535, maxPathBytes: MAX_FILE_PATH_BYTES }

/** Every file of an archive that was checked when it came; undefined when its bytes are lost. */
export async function readZipEntries(storage: StorageDriver, sha256: string): Promise<Entry[] | undefined> {
  const bytes = await openZipBytes(storage, sha256)
  if (!bytes) return undefined
  const { entries } = await readDirectory(bytes, LIMITS, (entry) => ({
    path: entry.fileNameRaw.toString('utf8'),
    sizeBytes: entry.uncompressedSize,
    packedBytes: entry.compressedSize,
    sha256: null,
    sameness: `crc32 ${entry.crc32} ${entry.uncompressedSize}`,
  }))
  return entries.filter(({ path }) => !path.endsWith('/'))
}

async function openZipBytes(storage: StorageDriver, sha256: string): Promise<ZipBytes | undefined> {
  const found = await storage.stat(sha256)
  if (!found) return undefined
  const size = found.sizeBytes
  return {
    stat: async () => ({ size }),
    async read(buffer, offset, length, position) {
      const end = Math.min(position + length, size) - 1
      if (end < position) return { bytesRead: 0 }
      const stream = await storage.open(sha256, { start: position, end })
      if (!stream) throw new Error(`The bytes of ${sha256} went while they were read.`)
      let bytesRead = 0
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        bytesRead += chunk.copy(buffer, offset + bytesRead)
      }
      return { bytesRead }
    },
  }
}
