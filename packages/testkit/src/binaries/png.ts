import { crc32, deflateRawSync, deflateSync } from 'node:zlib'

/** A square of one colour. */
export function aPng(size = 96, [red, green, blue, opacity] = [32, 96, 200, 255] as readonly number[]): Buffer {
  return writePng(size, [red, green, blue, opacity] as number[], false)
}

/** The same as Xcode writes it into apps. */
export function anApplePng(size = 120, [red = 0, green = 0, blue = 0, opacity = 255]: readonly number[] = []): Buffer {
  const multiplied = [blue, green, red].map((colour) => Math.round((colour * opacity) / 255))
  return writePng(size, [...multiplied, opacity], true)
}

function writePng(size: number, pixel: readonly number[], isApple: boolean): Buffer {
  // Each row is told from the one above: a filter of its own, so that whoever reads it has to know filters.
  const first = Buffer.concat([Buffer.from([0]), ...Array.from({ length: size }, () => Buffer.from(pixel))])
  const rest = Buffer.concat([Buffer.from([2]), Buffer.alloc(size * 4)])
  const rows = Buffer.concat([first, ...Array.from({ length: size - 1 }, () => rest)])
  const header = Buffer.alloc(13)
  header.writeUInt32BE(size, 0)
  header.writeUInt32BE(size, 4)
  header.set([8, 6, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    ...(isApple ? [pngChunk('CgBI', Buffer.from([0x50, 0, 0x20, 6]))] : []),
    pngChunk('IHDR', header),
    pngChunk('IDAT', isApple ? deflateRawSync(rows) : deflateSync(rows)),
    pngChunk('IEND', Buffer.alloc(0)),
  ])
}

function pngChunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(typed))
  return Buffer.concat([length, typed, checksum])
}
