import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { inflateRaw } from 'node:zlib'
import { checksumOf, type BlockMap } from './block-map.ts'
import { MAX_BYTES } from './rabin-chunks.ts'

/** Of a map that is packed: a file of 4 GiB has a quarter of it. */
const MAX_PACKED_BYTES = 16 * 1024 * 1024
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024
/** At the very end: how long the packed map before it is. */
const LENGTH_BYTES = 4

/**
 * Content §11: how many bytes the map takes that electron-builder has put at the end of an AppImage. Undefined when there
 * is none, or one that is not true of the file: whoever followed it would put together something else.
 */
export async function findEmbeddedMap(path: string): Promise<number | undefined> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    const length = Buffer.alloc(LENGTH_BYTES)
    if (size <= LENGTH_BYTES) return undefined
    await handle.read(length, { position: size - LENGTH_BYTES })
    const packedBytes = length.readUInt32BE()
    const contentBytes = size - LENGTH_BYTES - packedBytes
    if (packedBytes === 0 || packedBytes > MAX_PACKED_BYTES || contentBytes <= 0) return undefined
    const packed = Buffer.alloc(packedBytes)
    await handle.read(packed, { position: contentBytes })
    const map = await unpack(packed)
    return map && (await isTrueOf(map, path, contentBytes)) ? packedBytes : undefined
  } finally {
    await handle.close()
  }
}

type Blocks = Pick<BlockMap['files'][0], 'sizes' | 'checksums'>

/** Undefined for what is no map: most files end with anything else. */
async function unpack(packed: Buffer): Promise<Blocks | undefined> {
  const text = await promisify(inflateRaw)(packed, { maxOutputLength: MAX_UNPACKED_BYTES }).catch(() => undefined)
  if (!text) return undefined
  try {
    const { version, files } = JSON.parse(text.toString('utf8')) as BlockMap
    const [{ name, offset, sizes, checksums }] = files
    const isMap = version === '2' && name === 'file' && offset === 0 && sizes.length === checksums.length
    return isMap && sizes.every(isSize) ? { sizes, checksums } : undefined
  } catch {
    // Not JSON, or of another shape: no map.
    return undefined
  }
}

/** Whoever cut the file may have done so in larger blocks, but not in ones that nobody can hold. */
function isSize(size: unknown): boolean {
  return Number.isInteger(size) && (size as number) > 0 && (size as number) <= 32 * MAX_BYTES
}

async function isTrueOf({ sizes, checksums }: Blocks, path: string, contentBytes: number): Promise<boolean> {
  if (sizes.reduce((sum, size) => sum + size, 0) !== contentBytes) return false
  let index = 0
  let gathered: Buffer[] = []
  let missing = sizes[0] ?? 0
  for await (const chunk of createReadStream(path, { end: contentBytes - 1 }) as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length;) {
      const piece = chunk.subarray(at, at + missing)
      gathered.push(piece)
      at += piece.length
      missing -= piece.length
      if (missing > 0) continue
      if (checksumOf(Buffer.concat(gathered)) !== checksums[index]) return false
      gathered = []
      missing = sizes[++index] ?? 0
    }
  }
  return index === sizes.length
}
