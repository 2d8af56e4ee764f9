import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UnexpectedJsonError } from '../json-reader.ts'
import { parsePlainJson } from './plain-json.ts'

const MAX_BYTES = 64 * 1024

function pointerOf(text: string): string | undefined {
  try {
    parsePlainJson(text, MAX_BYTES)
    return undefined
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return error.pointer
    throw error
  }
}

describe('JSON that all readers understand alike (Kits §1.3)', () => {
  test.each<[string, string, string]>([
    ['a name twice', '{"a":1,"a":1}', '/a'],
    ['a name twice, further down', '{"a":[0,{"b":{"c":1,"c":2}}]}', '/a/1/b/c'],
    ['a name twice, spelt in two ways', '{"a":1,"\\u0061":2}', '/a'],
    ['the names of two objects with a third between them', '{"a":{"b":1},"c":{"b":1},"a":1}', '/a'],
    ['a name twice that is a pointer', '{"/~":1,"/~":2}', '/~1~0'],
    ['a fraction', '{"a":1.5}', '/a'],
    ['a whole number with a fraction', '{"a":[1.0]}', '/a/0'],
    ['an exponent', '{"a":{"b":1e3}}', '/a/b'],
    ['less than nothing', '{"a":-0}', '/a'],
    ['more than all count alike', '{"a":9007199254740992}', '/a'],
    ['what is infinite to some', '{"a":1e400}', '/a'],
    ['half a character', '{"a":"\\ud800"}', '/a'],
    ['half a character in a name', '{"\\udc00":1}', ''],
    ['a byte order mark', '\ufeff{}', ''],
    ['no JSON', '{"a":1,}', ''],
  ])('has not %s', (_, text, pointer) => {
    expect(pointerOf(text)).toBe(pointer)
  })

  test('has at most 32 levels, and as many bytes as it may', () => {
    const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
    expect(parsePlainJson(deep(32), MAX_BYTES)).toBeInstanceOf(Array)
    expect(pointerOf(deep(33))).toBe('')
    expect(pointerOf(deep(30_000))).toBe('')
    const long = (bytes: number) => JSON.stringify('é'.repeat((bytes - 2) / 2))
    expect(parsePlainJson(long(MAX_BYTES), MAX_BYTES)).toHaveLength(MAX_BYTES / 2 - 1)
    expect(pointerOf(long(MAX_BYTES + 2))).toBe('')
    expect(pointerOf('['.repeat(1_000_000))).toBe('')
  })

  test('has texts with whatever is in them', () => {
    const text = String.raw`{"a":"{\"a\":1,\"a\":1.5}","b":"\\","c":[-9007199254740991,0,true,null,"1.5"],"__proto__":{"d":1}}`
    const value = parsePlainJson(text, MAX_BYTES)
    expect(JSON.stringify(value)).toBe(text)
    expect(({} as { d?: number }).d).toBeUndefined()
  })

  test('is whatever was written of plain values, and a name more that is there is found wherever it is', () => {
    const key = fc.string({ unit: 'binary' })
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small', maxDepth: 5 },
        fc.constantFrom(null, true, false),
        fc.maxSafeInteger().filter((number) => !Object.is(number, -0)),
        key,
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      ),
    }))
    fc.assert(
      fc.property(tree, fc.constantFrom(0, 1, 2), (value, space) => {
        const text = JSON.stringify(value, null, space)
        expect(parsePlainJson(text, MAX_BYTES)).toEqual(value)
        const twice = `{"outer":${text},"inner":{"x":${text},"x":${text}}}`
        expect(pointerOf(twice)).toBe('/inner/x')
      }),
    )
  })

  test('is read or refused in an error that is short, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
        const pointer = pointerOf(text)
        expect((pointer ?? '').length).toBeLessThan(4_000)
      }),
    )
    expect(pointerOf(`{"${'a'.repeat(30_000)}":1.5}`)).toBe(`/${'a'.repeat(100)}`)
  })
})
