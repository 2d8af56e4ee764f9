import { crc32, deflateSync, inflateRawSync } from 'node:zlib'
import type { ReadingLimits } from '../application.ts'
import { refusal } from '../refusal.ts'

const SIGNATURE_BYTES = 8
const APPLE = 'CgBI'
const COLOUR_WITH_ALPHA = 6
const PIXEL_BYTES = 4

/**
 * Xcode writes pictures into apps that only Apple's devices show: blue in front of red, colours multiplied by their
 * opacity, and no zlib header. Any other picture comes out as it is.
 */
export function asPlainPng(bytes: Buffer, limits: ReadingLimits): Buffer | undefined {
  const chunks = readChunks(bytes)
  if (chunks[0]?.type !== APPLE) return bytes
  const header = chunks.find(({ type }) => type === 'IHDR')?.data
  if (!header || header.length !== 13) return undefined
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)]
  const isUsual = header[8] === 8 && header[9] === COLOUR_WITH_ALPHA && header[12] === 0
  if (!isUsual || width === 0 || height === 0 || Math.max(width, height) > limits.maxIconPixels) return undefined
  const packed = Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data))
  const rows = unpack(packed, (width * PIXEL_BYTES + 1) * height)
  if (!rows) return undefined
  for (let at = 0; at < rows.length; at += width * PIXEL_BYTES + 1) undoFilter(rows, at, width)
  for (let at = 0; at < rows.length; at += width * PIXEL_BYTES + 1) plainColours(rows, at + 1, width)
  return Buffer.concat([
    bytes.subarray(0, SIGNATURE_BYTES),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** Ends at the size that it has to have. */
function unpack(packed: Buffer, sizeBytes: number): Buffer | undefined {
  try {
    const rows = inflateRawSync(packed, { maxOutputLength: sizeBytes })
    return rows.length === sizeBytes ? rows : undefined
  } catch (cause) {
    throw refusal('Expected an icon that is deflated, found damage.', { cause })
  }
}

/** Against the row above it, which has none any more. */
function undoFilter(rows: Buffer, start: number, width: number): void {
  const bytes = width * PIXEL_BYTES
  const above = start - bytes - 1
  const filter = rows[start] ?? 0
  for (let at = 1; at <= bytes; at += 1) {
    const left = at > PIXEL_BYTES ? (rows[start + at - PIXEL_BYTES] ?? 0) : 0
    const up = above >= 0 ? (rows[above + at] ?? 0) : 0
    const corner = above >= 0 && at > PIXEL_BYTES ? (rows[above + at - PIXEL_BYTES] ?? 0) : 0
    rows[start + at] = ((rows[start + at] ?? 0) + predicted(filter, left, up, corner)) & 0xff
  }
  rows[start] = 0
}

function plainColours(rows: Buffer, start: number, width: number): void {
  // Nothing is made for a pixel: there may be four million.
  for (let at = start; at < start + width * PIXEL_BYTES; at += PIXEL_BYTES) {
    const opacity = rows[at + 3] ?? 0
    const blue = rows[at] ?? 0
    rows[at] = undoMultiplied(rows[at + 2] ?? 0, opacity)
    rows[at + 1] = undoMultiplied(rows[at + 1] ?? 0, opacity)
    rows[at + 2] = undoMultiplied(blue, opacity)
  }
}

function undoMultiplied(colour: number, opacity: number): number {
  return opacity === 0 ? 0 : Math.min(255, Math.round((colour * 255) / opacity))
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 1:
      return left
    case 2:
      return up
    case 3:
      return (left + up) >> 1
    case 4:
      return paeth(left, up, corner)
    default:
      return 0
  }
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner
  const byLeft = Math.abs(estimate - left)
  const byUp = Math.abs(estimate - up)
  const byCorner = Math.abs(estimate - corner)
  if (byLeft <= byUp && byLeft <= byCorner) return left
  return byUp <= byCorner ? up : corner
}

interface PngChunk {
  type: string
  data: Buffer
}

function readChunks(bytes: Buffer): PngChunk[] {
  const chunks: PngChunk[] = []
  for (let at = SIGNATURE_BYTES; at + 12 <= bytes.length;) {
    const length = bytes.readUInt32BE(at)
    if (at + 12 + length > bytes.length) break
    chunks.push({ type: bytes.toString('latin1', at + 4, at + 8), data: bytes.subarray(at + 8, at + 8 + length) })
    at += 12 + length
  }
  return chunks
}

function chunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, checksum] = [data.length, crc32(typed)].map((value) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return bytes
  }) as [Buffer, Buffer]
  return Buffer.concat([length, typed, checksum])
}
