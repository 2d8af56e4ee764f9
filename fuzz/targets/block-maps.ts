import { randomUUID } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { findEmbeddedMap } from '../../packages/server/src/shipping/block-maps/embedded-block-map.ts'
import { Broken, type Target } from '../engine/target.ts'

/** What the map is about. */
const CONTENT_BYTES = 200
const PATH = join(tmpdir(), `hotpatch-fuzz-${randomUUID()}.AppImage`)

/** The end of a file, as it is; or a map in words, which is packed and put there. */
function fileOf(isPacked: boolean, bytes: Uint8Array): Uint8Array {
  if (!isPacked) return bytes
  const [content, map] = [bytes.subarray(0, CONTENT_BYTES), deflateRawSync(bytes.subarray(CONTENT_BYTES))]
  const length = Buffer.alloc(4)
  length.writeUInt32BE(map.length)
  return Buffer.concat([content, map, length])
}

export const target: Target = {
  reads: 'block maps at the end of AppImages',
  maxBytes: 1_500,
  words: ['"version":"2"', '"files":[', '"name":"file"', '"offset":0', '"sizes":[', '"checksums":['],
  async read(input) {
    const [first = 0] = input
    const file = fileOf(first % 2 === 0, input.subarray(1))
    writeFileSync(PATH, file)
    const found = await findEmbeddedMap(PATH).finally(() => rmSync(PATH))
    if (found !== undefined && !(found > 0 && found < file.length - 4))
      throw new Broken('a map that is not in the file')
  },
  refuses: () => false,
}

export async function seeds() {
  const { checksumOf } = await import('../../packages/server/src/shipping/block-maps/block-map.ts')
  const content = Buffer.alloc(CONTENT_BYTES, 'content')
  const mapOf = (...sizes: number[]) => {
    let at = 0
    const checksums = sizes.map((size) => checksumOf(content.subarray(at, (at += size))))
    return JSON.stringify({ version: '2', files: [{ name: 'file', offset: 0, sizes, checksums }] })
  }
  const maps = [mapOf(CONTENT_BYTES), mapOf(50, 50, 100), mapOf(50, 50), '{"version":"2","files":[]}', '[[[[']
  const packed = maps.map((map) => Buffer.concat([Buffer.of(0), content, Buffer.from(map)]))
  const asTheyAre = maps.map((map) =>
    Buffer.concat([Buffer.of(1), fileOf(true, Buffer.concat([content, Buffer.from(map)]))]),
  )
  return [...packed, ...asTheyAre]
}
