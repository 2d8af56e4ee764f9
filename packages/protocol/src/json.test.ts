import { describe, expect, test } from 'vitest'
import vectors from '../../../vectors/json.json' with { type: 'json' }
import { textFromUtf8 } from './utf8.ts'

describe('JSON as devices take it (Engine §10)', () => {
  test.each(vectors.read)('read: $comment', ({ text, written }) => {
    expect(JSON.stringify(JSON.parse(text))).toBe(written)
  })

  test.each(vectors.refused)('refused: $comment', ({ text }) => {
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError)
  })

  test.each(vectors.notUtf8)('not UTF-8: $comment', ({ base64 }) => {
    expect(textFromUtf8(Buffer.from(base64, 'base64'))).toBeUndefined()
  })

  test.each(vectors.deep)('deep: $comment', ({ open, close, times }) => {
    const text = `${open.repeat(times)}1${close.repeat(times)}`
    const parse = () => JSON.parse(text) as unknown
    if (close === '') expect(parse).toThrow(SyntaxError)
    else expect(parse()).toBeTypeOf('object')
  })
})
