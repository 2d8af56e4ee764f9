import { textFromUtf8, utf8FromText } from '@hotpatch/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesFromBase64 } from './bytes.ts'

describe('bytes and text', () => {
  test('agree with the platform’s own', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(utf8FromText(text)).toEqual(new TextEncoder().encode(text))
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
        let expected: string | undefined
        try {
          expected = strict.decode(bytes)
        } catch {
          expected = undefined
        }
        expect(textFromUtf8(bytes)).toBe(expected)
        expect(bytesFromBase64(Buffer.from(bytes).toString('base64'))).toEqual(bytes)
      }),
    )
  })

  test.each(['a', 'YQ', 'YQ=', 'YR==', 'YQ==YQ==', 'Y Q=', 'YQ-_', '===='])('%s is no base64', (text) => {
    expect(bytesFromBase64(text)).toBeUndefined()
  })
})
