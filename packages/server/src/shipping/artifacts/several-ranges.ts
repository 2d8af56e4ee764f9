import type { Readable } from 'node:stream'
import type { ByteRange } from '../../ground/storage/storage-driver.ts'
import { streamOf } from '../../ground/storage/stream-of.ts'

interface Parts {
  ranges: readonly ByteRange[]
  /** Of the whole. */
  sizeBytes: number
  contentType: string
  /** Must not be in the bytes. */
  boundary: string
}

/**
 * RFC 9110 §14.6: several ranges as one body. One part for each that was asked for, in that order, none put together
 * with another one: a client that puts a new file together from these and an old one counts the parts.
 */
export function severalRanges(parts: Parts) {
  const { ranges, boundary } = parts
  const end = `\r\n--${boundary}--\r\n`
  const lengthOf = (range: ByteRange, index: number) => headOf(parts, index).length + range.end - range.start + 1
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    sizeBytes: ranges.reduce((sum, range, index) => sum + lengthOf(range, index), end.length),
    /** @param bytes of the ranges, one after the other; read as fast as the client takes them, and closed with the body */
    body(bytes: Readable): Readable {
      return streamOf(inPieces(write(parts, end, bytes)), () => void bytes.destroy())
    },
  }
}

const PIECE_BYTES = 64 * 1024

async function* write(parts: Parts, end: string, bytes: Readable): AsyncGenerator<Buffer> {
  let index = -1
  let missing = 0
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length;) {
      if (missing === 0) {
        yield Buffer.from(headOf(parts, ++index))
        const { start, end } = rangeAt(parts, index)
        missing = end - start + 1
      }
      const piece = chunk.subarray(at, at + missing)
      yield piece
      at += piece.length
      missing -= piece.length
    }
  }
  if (missing > 0 || index < parts.ranges.length - 1)
    throw new Error('Expected more bytes of an artifact, found its end.')
  yield Buffer.from(end)
}

/** Hundreds of small writes take longer than what they write. */
async function* inPieces(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let gathered: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of chunks) {
    gathered.push(chunk)
    sizeBytes += chunk.length
    if (sizeBytes < PIECE_BYTES) continue
    yield Buffer.concat(gathered)
    gathered = []
    sizeBytes = 0
  }
  if (sizeBytes > 0) yield Buffer.concat(gathered)
}

function headOf(parts: Parts, index: number): string {
  const { sizeBytes, contentType, boundary } = parts
  const { start, end } = rangeAt(parts, index)
  const delimiter = `${index === 0 ? '' : '\r\n'}--${boundary}`
  return `${delimiter}\r\ncontent-type: ${contentType}\r\ncontent-range: bytes ${start}-${end}/${sizeBytes}\r\n\r\n`
}

/** @throws when the storage gave more bytes than it was asked for */
function rangeAt({ ranges }: Parts, index: number): ByteRange {
  const range = ranges[index]
  if (!range) throw new Error(`Expected the bytes of ${ranges.length} ranges, found more.`)
  return range
}
