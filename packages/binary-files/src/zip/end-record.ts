import { refusal, zip64Refusal } from './refusal.ts'

/** What is read of a zip: a file that is open, or an object somewhere. */
export interface ZipBytes {
  stat(): Promise<{ size: number }>
  /** Fewer at its end. */
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }>
}

interface EndRecord {
  entryCount: number
  sizeBytes: number
  offset: number
}

const SIGNATURE = Buffer.from('PK\x05\x06')
const RECORD_BYTES = 22
const GZIP = Buffer.from([0x1f, 0x8b])
const LOCAL_FILE = Buffer.from('PK')
const MAX_COMMENT_BYTES = 0xffff
const ZIP64_LOCATOR = 0x07064b50
const ZIP64_LOCATOR_BYTES = 20

/**
 * Where the directory is. Readers that found another one would see other files, so the directory has to reach up to
 * the last end record, and that up to the end. The comment in it is data for nobody, and allowed.
 */
export async function readEndRecord(handle: ZipBytes, archiveBytes: number): Promise<EndRecord> {
  const tailBytes = Math.min(archiveBytes, ZIP64_LOCATOR_BYTES + RECORD_BYTES + MAX_COMMENT_BYTES)
  if (tailBytes < RECORD_BYTES) throw refusal('structure', `Expected a zip archive, found ${archiveBytes} bytes.`)
  const tail = Buffer.alloc(tailBytes)
  await handle.read(tail, 0, tailBytes, archiveBytes - tailBytes)
  const at = tail.lastIndexOf(SIGNATURE, tailBytes - RECORD_BYTES)
  if (at < 0) throw refusal('structure', `Expected a zip archive, found ${await otherThanZip(handle)}`)
  const end = tail.subarray(at)
  const commentBytes = end.readUInt16LE(20)
  if (end.length !== RECORD_BYTES + commentBytes) {
    const found = end.length - RECORD_BYTES
    throw refusal('structure', `Expected ${commentBytes} bytes after the end record, found ${found}.`)
  }
  const entryCount = end.readUInt16LE(10)
  if (end.readUInt32LE(4) !== 0 || end.readUInt16LE(8) !== entryCount) {
    throw refusal('structure', 'Expected one archive in one file, found a part of several.')
  }
  const [sizeBytes, offset] = [end.readUInt32LE(12), end.readUInt32LE(16)]
  const hasLocator = at >= ZIP64_LOCATOR_BYTES && tail.readUInt32LE(at - ZIP64_LOCATOR_BYTES) === ZIP64_LOCATOR
  if (hasLocator || entryCount === 0xffff || sizeBytes === 0xffffffff || offset === 0xffffffff) throw zip64Refusal()
  const endOffset = archiveBytes - tailBytes + at
  const found = offset + sizeBytes
  if (found !== endOffset) {
    const detail = `Expected the directory to end where its end record starts, at byte ${endOffset}, found ${found}.`
    throw refusal('hidden-data', detail)
  }
  return { entryCount, sizeBytes, offset }
}

/** Build tools make others, too; of brotli nothing is to be seen in the bytes. */
async function otherThanZip(handle: ZipBytes): Promise<string> {
  const head = Buffer.alloc(GZIP.length)
  await handle.read(head, 0, head.length, 0)
  if (head.equals(GZIP)) return 'gzip, as of a tar.gz. Have it built as a zip.'
  const isCut = head.equals(LOCAL_FILE)
  return isCut ? 'no end record: it is cut.' : 'no end record: it is no zip. A tar.gz or tar.br has to be built as one.'
}
