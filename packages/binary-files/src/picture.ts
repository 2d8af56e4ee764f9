import type { ReadingLimits } from './application.ts'

const PNG = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10])
const PNG_SIZE_AT = 16

/**
 * Undefined for what a browser would not show, or what would take it much memory: a few bytes can say that they are a
 * picture of many million pixels.
 */
export function asIcon(bytes: Buffer | undefined, limits: ReadingLimits): Buffer | undefined {
  if (!bytes || bytes.length > limits.maxIconBytes) return undefined
  const size = pngSize(bytes) ?? webpSize(bytes)
  if (!size) return undefined
  return Math.max(size.width, size.height) <= limits.maxIconPixels ? bytes : undefined
}

/** What such a picture is served as. */
export function iconType(icon: Uint8Array): 'image/png' | 'image/webp' {
  return icon[0] === PNG[0] ? 'image/png' : 'image/webp'
}

function pngSize(bytes: Buffer): { width: number; height: number } | undefined {
  const isPng = bytes.length > PNG_SIZE_AT + 8 && bytes.subarray(0, 8).equals(PNG)
  if (!isPng || bytes.toString('latin1', 12, 16) !== 'IHDR') return undefined
  return { width: bytes.readUInt32BE(PNG_SIZE_AT), height: bytes.readUInt32BE(PNG_SIZE_AT + 4) }
}

/** WebP has three forms: lossy, lossless and extended. */
function webpSize(bytes: Buffer): { width: number; height: number } | undefined {
  if (bytes.length < 30 || bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WEBP') {
    return undefined
  }
  switch (bytes.toString('latin1', 12, 16)) {
    case 'VP8 ':
      return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff }
    case 'VP8L': {
      const bits = bytes.readUInt32LE(21)
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
    }
    case 'VP8X':
      return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 }
    default:
      return undefined
  }
}
