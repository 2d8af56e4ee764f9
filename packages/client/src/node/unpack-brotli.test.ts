import { brotliCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { unpackBrotli } from './unpack-brotli.ts'

test('brotli is unpacked, of all that is packed, and no more than was told', () => {
  const text = Buffer.from('hello '.repeat(1000))
  const packed = brotliCompressSync(text)
  expect(Buffer.from(unpackBrotli(packed, text.length))).toEqual(text)
  expect(() => unpackBrotli(packed, text.length - 1)).toThrow(RangeError)
  expect(() => unpackBrotli(packed.subarray(1), text.length)).toThrow(Error)
  for (const behind of [1, 5000]) {
    expect(() => unpackBrotli(Buffer.concat([packed, Buffer.alloc(behind)]), text.length)).toThrow(RangeError)
  }
})
