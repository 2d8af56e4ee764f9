import { refusal } from '../refusal.ts'

/** What Android's binary resources are made of: a header of its own length, a body, and often chunks in that. */
export interface Chunk {
  type: number
  /** All of it, from its first byte: what its offsets count from. */
  whole: Buffer
  headerBytes: number
}

export const STRING_POOL = 0x0001
export const TABLE = 0x0002
export const XML = 0x0003

const MIN_HEADER_BYTES = 8
/** Two for each element of the longest manifests. */
const MAX_CHUNKS = 500_000

/** One after the other. */
export function* chunksIn(bytes: Buffer): Generator<Chunk> {
  let count = 0
  for (let at = 0; at < bytes.length;) {
    if ((count += 1) > MAX_CHUNKS) throw refusal(`Expected at most ${MAX_CHUNKS} chunks, found more.`)
    const chunk = chunkAt(bytes, at)
    at += chunk.whole.length
    yield chunk
  }
}

/** @throws problem invalid-binary when it is not of that type, or does not end where it should */
export function chunkAt(bytes: Buffer, at: number, type?: number): Chunk {
  const chunk = { type: bytes.readUInt16LE(at), headerBytes: bytes.readUInt16LE(at + 2) }
  const sizeBytes = bytes.readUInt32LE(at + 4)
  if (chunk.headerBytes < MIN_HEADER_BYTES || sizeBytes < chunk.headerBytes || at + sizeBytes > bytes.length) {
    throw refusal(`Expected a chunk within ${bytes.length} bytes, found ${sizeBytes} bytes at byte ${at}.`)
  }
  if (type !== undefined && chunk.type !== type) {
    throw refusal(`Expected a chunk of the type ${type}, found ${chunk.type}: it is no binary resource of Android.`)
  }
  return { ...chunk, whole: bytes.subarray(at, at + sizeBytes) }
}

export function bodyOf({ whole, headerBytes }: Chunk): Buffer {
  return whole.subarray(headerBytes)
}
