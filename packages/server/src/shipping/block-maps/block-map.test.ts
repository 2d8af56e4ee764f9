import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deflateRawSync, gunzipSync } from 'node:zlib'
import { temporaryDirectory } from '@hotpatch/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeBlockMap, packBlockMap, type BlockMap } from './block-map.ts'
import { findEmbeddedMap } from './embedded-block-map.ts'

type Piece = { seed: string; bytes: number } | { fill: number; bytes: number }
interface Vector {
  comment: string
  pieces: Piece[]
  sizes: number[]
  checksums: string[]
}
const VECTORS = new URL('../../../../../vectors/block-maps.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(VECTORS, 'utf8')) as { cases: Vector[] }

function made(pieces: readonly Piece[]): Buffer {
  return Buffer.concat(
    pieces.map((piece) => {
      if ('fill' in piece) return Buffer.alloc(piece.bytes, piece.fill)
      const digests = Array.from({ length: Math.ceil(piece.bytes / 32) }, (_, index) =>
        createHash('sha256').update(`${piece.seed}/${index}`).digest(),
      )
      return Buffer.concat(digests).subarray(0, piece.bytes)
    }),
  )
}

async function* inPieces(bytes: Buffer, lengths: readonly number[] = [bytes.length]) {
  let at = 0
  for (const length of [...lengths, Infinity]) {
    yield bytes.subarray(at, at + length)
    at += length
    if (at >= bytes.length) return
  }
}

test.each(cases)('Content §11: $comment', async ({ pieces, sizes, checksums }) => {
  const map = await makeBlockMap(inPieces(made(pieces)))
  expect(map).toEqual({ version: '2', files: [{ name: 'file', offset: 0, checksums, sizes }] })
  expect(JSON.parse(gunzipSync(await packBlockMap(map)).toString())).toEqual(map)
})

test('the borders are the same in whatever pieces a file is read', async () => {
  const bytes = made([{ seed: 'read', bytes: 200_000 }])
  const whole = await makeBlockMap(inPieces(bytes))
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 30 }),
      async (lengths) => {
        expect(await makeBlockMap(inPieces(bytes, lengths))).toEqual(whole)
      },
    ),
    { numRuns: 25 },
  )
})

test('what is put in changes the blocks where it is put in, and no others', async () => {
  const bytes = made([{ seed: 'old', bytes: 600_000 }])
  const added = Buffer.concat([bytes.subarray(0, 300_000), Buffer.from('new'), bytes.subarray(300_000)])
  const [before, after] = [await makeBlockMap(inPieces(bytes)), await makeBlockMap(inPieces(added))]
  const known = new Set(before.files[0].checksums)
  expect(after.files[0].checksums.filter((checksum) => !known.has(checksum)).length).toBeLessThanOrEqual(2)
})

describe('a map in the file itself', () => {
  const content = made([{ seed: 'image', bytes: 150_000 }])

  async function withMap(change: (map: BlockMap) => unknown = (map) => map, bytes = content): Promise<string> {
    const packed = deflateRawSync(JSON.stringify(change(await makeBlockMap(inPieces(content)))))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(packed.length)
    return asFile(Buffer.concat([bytes, packed, length]))
  }

  async function asFile(bytes: Buffer): Promise<string> {
    const path = join(await temporaryDirectory(), 'app.AppImage')
    await writeFile(path, bytes)
    return path
  }

  test('is found, with its length', async () => {
    const packed = deflateRawSync(JSON.stringify(await makeBlockMap(inPieces(content))))
    expect(await findEmbeddedMap(await withMap())).toBe(packed.length)
  })

  test('may be of another tool, that cuts otherwise', async () => {
    const { blake2b } = await import('@noble/hashes/blake2.js')
    const checksumOf = (block: Uint8Array) => Buffer.from(blake2b(block, { dkLen: 18 })).toString('base64')
    const sizes = [70_000, 80_000]
    const checksums = [checksumOf(content.subarray(0, 70_000)), checksumOf(content.subarray(70_000))]
    const path = await withMap(() => ({ version: '2', files: [{ name: 'file', offset: 0, sizes, checksums }] }))
    expect(await findEmbeddedMap(path)).toBeGreaterThan(0)
  })

  test.each<[string, (map: BlockMap) => unknown]>([
    ['of another version', (map) => ({ ...map, version: '1' })],
    ['with a size too many', (map) => ({ ...map, files: [{ ...map.files[0], sizes: [...map.files[0].sizes, 1] }] })],
    [
      'with sizes that are none',
      (map) => ({ ...map, files: [{ ...map.files[0], sizes: map.files[0].sizes.map(() => -1) }] }),
    ],
    ['without files', () => ({ version: '2', files: [] })],
    ['that is null', () => null],
  ])('is none that is %s', async (_what, change) => {
    expect(await findEmbeddedMap(await withMap(change))).toBeUndefined()
  })

  test('is none that is not true of the file', async () => {
    const other = Buffer.from(content)
    other[100_000] = (other[100_000] ?? 0) ^ 1
    expect(await findEmbeddedMap(await withMap(undefined, other))).toBeUndefined()
    expect(await findEmbeddedMap(await withMap(undefined, content.subarray(1)))).toBeUndefined()
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['four bytes', Buffer.alloc(4, 1)],
    ['anything', content],
    ['zeros', Buffer.alloc(1000)],
    ['a length of more than there is', Buffer.concat([content, Buffer.from([0, 255, 255, 255])])],
    ['a bomb', bombOf(content)],
  ])('is not in %s', async (_what, bytes) => {
    expect(await findEmbeddedMap(await asFile(bytes))).toBeUndefined()
  })
})

function bombOf(content: Buffer): Buffer {
  const packed = deflateRawSync(Buffer.alloc(70 * 1024 * 1024))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(packed.length)
  return Buffer.concat([content, packed, length])
}
