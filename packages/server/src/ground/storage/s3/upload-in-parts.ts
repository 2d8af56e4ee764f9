import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import type { SpooledFile } from '../storage-driver.ts'
import type { S3Client } from './s3-client.ts'

/** What is smaller goes in one request. All stores take parts of at least 5 MiB. */
const PART_BYTES = 8 * 1024 * 1024
const MAX_PARTS = 10_000
/** Of all uploads together: what they have in memory at once. */
const PARTS_AT_ONCE = 4

/** Sends files in constant memory, whatever their size and number, and only if they are what their name says. */
export function createUploads({ s3 }: { s3: S3Client }) {
  const room = createRoom(PARTS_AT_ONCE)

  async function upload(name: string, sha256: string, file: SpooledFile): Promise<void> {
    const handle = await open(file.path, 'r')
    try {
      if (file.sizeBytes <= PART_BYTES) await uploadWhole(name, sha256, handle, file.sizeBytes)
      else await uploadParts(name, sha256, handle, file.sizeBytes)
    } finally {
      await handle.close()
    }
  }

  async function uploadWhole(name: string, sha256: string, handle: FileHandle, sizeBytes: number): Promise<void> {
    await room.take()
    try {
      const bytes = await readPart(handle, 0, sizeBytes)
      requireHash(createHash('sha256').update(bytes).digest('hex'), sha256)
      await s3.put(name, bytes)
    } finally {
      room.give()
    }
  }

  async function uploadParts(name: string, sha256: string, handle: FileHandle, sizeBytes: number): Promise<void> {
    const partBytes = Math.max(PART_BYTES, Math.ceil(sizeBytes / MAX_PARTS))
    const hash = createHash('sha256')
    const uploadId = await s3.beginParts(name)
    const sending: ReturnType<typeof s3.putPart>[] = []
    const failures: unknown[] = []
    try {
      for (let at = 0; at < sizeBytes && failures.length === 0; at += partBytes) {
        await room.take()
        const isGiven = sending.length
        try {
          const bytes = await readPart(handle, at, Math.min(partBytes, sizeBytes - at))
          hash.update(bytes)
          const part = s3.putPart(name, uploadId, sending.length + 1, bytes).finally(room.give)
          part.catch((error: unknown) => void failures.push(error))
          sending.push(part)
        } finally {
          // What was sent gives its room back itself.
          if (sending.length === isGiven) room.give()
        }
      }
      const parts = await Promise.all(sending)
      requireHash(hash.digest('hex'), sha256)
      await s3.completeParts(name, uploadId, parts)
    } catch (error) {
      await Promise.allSettled(sending)
      // Where this does not come through, either, the sweep for leftovers ends it.
      await s3.abandonParts(name, uploadId).catch(() => undefined)
      throw error
    }
  }

  return { upload }
}

async function readPart(handle: FileHandle, position: number, sizeBytes: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(sizeBytes)
  for (let at = 0; at < sizeBytes;) {
    const { bytesRead } = await handle.read(bytes, { offset: at, length: sizeBytes - at, position: position + at })
    if (bytesRead === 0)
      throw new Error(`Expected a file of ${position + sizeBytes} bytes or more, found ${position + at}.`)
    at += bytesRead
  }
  return bytes
}

/** What lies on a disk for hours may have been damaged there since it was hashed. */
function requireHash(found: string, expected: string): void {
  if (found !== expected) throw new Error(`Expected a file with the SHA-256 ${expected}, found ${found}.`)
}

/** As many at a time; the others wait for their turn. */
function createRoom(places: number) {
  let free = places
  const waiting: (() => void)[] = []
  return {
    take(): Promise<void> | void {
      if (free > 0) return void (free -= 1)
      return new Promise((resolve) => waiting.push(resolve))
    },
    give(): void {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    },
  }
}
