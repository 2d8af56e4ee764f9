import fc from 'fast-check'
import { parseDictionary, parseList, Token as TheirToken } from 'structured-headers'
import { describe, expect, test } from 'vitest'
import identity from '../../../../vectors/expo-identity.json' with { type: 'json' }
import vectors from '../../../../vectors/expo-wire.json' with { type: 'json' }
import { UnexpectedJsonError } from '../json-reader.ts'
import {
  ByteSequence,
  expoManifestOf,
  expoPlaceOf,
  expoUpdateId,
  expoUpdateOf,
  readDictionary,
  readExpoDirective,
  readExpoExport,
  readExpoManifest,
  readExpoTime,
  readExpoUpdateId,
  readList,
  StructuredFieldError,
  Token,
  writeDictionary,
  writeExpoDirective,
  writeExpoManifest,
  writeExpoTime,
  type BareItem,
  type ExpoDirective,
  type ExpoUpdate,
  type Item,
} from './index.ts'

function pointerOf(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return error.pointer
    throw error
  }
}

describe('an id', () => {
  test.each(identity.ids)('exact: $comment', ({ sha256, at, place, id }) => {
    expect(expoUpdateId(sha256, at, place)).toBe(id)
    expect(readExpoUpdateId(id)).toEqual({ digestStart: sha256.slice(0, 15), at, place: expoPlaceOf(place) })
  })

  test.each(identity.foreign)('of somebody else: $comment', ({ id }) => {
    expect(readExpoUpdateId(id)).toBeUndefined()
  })

  test('leads back to the content and the time, whatever they are', () => {
    const digest = fc.stringMatching(/^[0-9a-f]{64}$/)
    fc.assert(
      fc.property(digest, fc.integer({ min: 0, max: 2 ** 44 - 1 }), fc.string(), (sha256, at, place) => {
        const id = expoUpdateId(sha256, at, place)
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        expect(readExpoUpdateId(id)).toEqual({ digestStart: sha256.slice(0, 15), at, place: expoPlaceOf(place) })
      }),
    )
  })
})

describe('a time', () => {
  test.each(identity.times)('is written and read: $text', ({ text, at }) => {
    expect(writeExpoTime(at)).toBe(text)
    expect(readExpoTime(text)).toBe(at)
  })

  test.each(identity.notTimes)('is not: "%s"', (text) => {
    expect(readExpoTime(text)).toBeUndefined()
  })
})

describe('a manifest', () => {
  test.each(vectors.manifests)('exact text: $comment', ({ update, placing, text }) => {
    expect(writeExpoManifest(expoManifestOf(update as ExpoUpdate, placing))).toBe(text)
    expect(writeExpoManifest(readExpoManifest(text))).toBe(text)
  })

  test.each(vectors.rejectedManifests)('refused at "$pointer": $comment', ({ text, pointer }) => {
    expect(pointerOf(() => readExpoManifest(text))).toBe(pointer)
  })
})

describe('a directive', () => {
  test.each(vectors.directives)('exact text: $comment', ({ directive, text }) => {
    expect(writeExpoDirective(directive as ExpoDirective)).toBe(text)
    expect(readExpoDirective(text)).toEqual(directive)
  })

  test.each(vectors.rejectedDirectives)('refused at "$pointer": $comment', ({ text, pointer }) => {
    expect(pointerOf(() => readExpoDirective(text))).toBe(pointer)
  })
})

describe('an export', () => {
  test.each(vectors.exports)('read: $comment', ({ text, reads }) => {
    expect(readExpoExport(text)).toEqual(reads)
  })

  test.each(vectors.rejectedExports)('refused at "$pointer": $comment', ({ text, pointer }) => {
    expect(pointerOf(() => readExpoExport(text))).toBe(pointer)
  })

  const bundle = { path: 'index.hbc', sha256: 'a'.repeat(64) }
  const name = 'd41d8cd98f00b204e9800998ecf8427e'
  const of = (assets: { path: string; ext: string }[], files: { path: string; sha256: string }[]) =>
    expoUpdateOf({ bundle: bundle.path, assets }, [bundle, ...files], { sha256: 'b'.repeat(64), runtimeVersion: '1' })

  test('lists one file under each key', () => {
    const sha256 = 'c'.repeat(64)
    const assets = ['a', 'b'].map((folder) => ({ path: `${folder}/${name}`, ext: 'png' }))
    const update = of(
      assets,
      assets.map(({ path }) => ({ path, sha256 })),
    )
    expect(update.assets).toEqual([{ path: `a/${name}`, sha256, ext: 'png' }])
  })

  test('is refused where a file is not there, and where one name means two contents', () => {
    expect(pointerOf(() => of([{ path: 'none', ext: 'png' }], []))).toBe('/assets/0/path')
    expect(
      pointerOf(() =>
        of(
          [
            { path: `a/${name}`, ext: 'png' },
            { path: `b/${name}`, ext: 'png' },
          ],
          [
            { path: `a/${name}`, sha256: 'c'.repeat(64) },
            { path: `b/${name}`, sha256: 'd'.repeat(64) },
          ],
        ),
      ),
    ).toBe('/assets/1/path')
  })
})

/** As another reader of the same RFC says it. */
function plain(value: BareItem | readonly Item[]): unknown {
  if (Array.isArray(value)) return value.map((item: Item) => withParameters(item))
  if (value instanceof Token) return { token: value.text }
  if (value instanceof ByteSequence) return { bytes: Buffer.from(value.base64, 'base64').toString('base64') }
  return value
}

function withParameters({ value, parameters }: Item): unknown {
  return [plain(value), [...parameters].map(([name, parameter]) => [name, plain(parameter)])]
}

type TheirItem = [value: unknown, parameters: Map<string, unknown>]

function theirPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: TheirItem) => theirWithParameters(item))
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return { bytes: Buffer.from(value as ArrayBuffer).toString('base64') }
  }
  if (value instanceof TheirToken) return { token: value.toString() }
  return value === 0 ? 0 : value
}

function theirWithParameters([value, parameters]: TheirItem): unknown {
  return [theirPlain(value), [...parameters].map(([name, parameter]) => [name, theirPlain(parameter)])]
}

const REFUSED = 'refused'

function orRefused(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return REFUSED
  }
}

describe('structured fields', () => {
  const valuesOf = (members: ReadonlyMap<string, Item>) =>
    Object.fromEntries([...members].map(([key, { value }]) => [key, value]))

  test.each(vectors.dictionaries)('a dictionary: $comment', ({ text, reads }) => {
    expect(valuesOf(readDictionary(text))).toEqual(reads)
  })

  test.each(vectors.lists)('a list: $comment', ({ text, reads }) => {
    expect(readList(text).map(({ value }) => value)).toEqual(reads)
  })

  test.each(vectors.notDictionaries)('no dictionary: $comment', ({ text }) => {
    expect(() => readDictionary(text)).toThrow(StructuredFieldError)
  })

  test.each(vectors.notLists)('no list: $comment', ({ text }) => {
    expect(() => readList(text)).toThrow(StructuredFieldError)
  })

  test('are bounded', () => {
    expect(() => readDictionary(`a="${'x'.repeat(20_000)}"`)).toThrow(/at most/)
    expect(() => readDictionary(Array.from({ length: 300 }, (_, index) => `a${index}`).join(','))).toThrow(/at most/)
    expect(() => readList(Array(300).fill('a').join(','))).toThrow(/at most/)
    expect(() => readList(`(${Array(300).fill('a').join(' ')})`)).toThrow(/at most/)
    expect(() => readList(`a${Array(300).fill(';b').join('')}`)).toThrow(/at most/)
  })

  // Parts of fields in any order: most are nearly right.
  const parts = ['a', 'b-1', '=', ',', ', ', ' ', ';', '"x y"', '"\\""', '1', '-1.5', '00', '.', '?1', '?0', ':AQI=:']
  const texts = fc
    .array(fc.constantFrom(...parts, '(', ')', 'tok/en', '*', '\t', '"', '12345678901234', 'A', ':', '1.'), {
      maxLength: 12,
    })
    .map((found) => found.join(''))

  test('are read as another reader of the RFC reads them', () => {
    const runs = { numRuns: 5_000 }
    fc.assert(
      fc.property(texts, (text) => {
        const mine = orRefused(() => [...readDictionary(text)].map(([key, item]) => [key, withParameters(item)]))
        const theirs = orRefused(() =>
          [...parseDictionary(text)].map(([key, item]) => [key, theirWithParameters(item as TheirItem)]),
        )
        expect(mine).toEqual(theirs)
      }),
      runs,
    )
    fc.assert(
      fc.property(texts, (text) => {
        const mine = orRefused(() => readList(text).map(withParameters))
        const theirs = orRefused(() => parseList(text).map((item) => theirWithParameters(item as TheirItem)))
        expect(mine).toEqual(theirs)
      }),
      runs,
    )
  })

  test('are written so that both read them', () => {
    const value = fc.oneof(fc.stringMatching(/^[ -~]{0,20}$/), fc.integer({ min: -1e14, max: 1e14 }), fc.boolean())
    const key = fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,10}$/)
    fc.assert(
      fc.property(fc.dictionary(key, value, { noNullPrototype: true }), (members) => {
        const text = writeDictionary(members)
        expect(valuesOf(readDictionary(text))).toEqual(members)
        expect(Object.fromEntries([...parseDictionary(text)].map(([name, [found]]) => [name, found]))).toEqual(members)
      }),
    )
    expect(() => writeDictionary({ 'Not A Key': true })).toThrow(StructuredFieldError)
    expect(() => writeDictionary({ a: 'é' })).toThrow(StructuredFieldError)
    expect(() => writeDictionary({ a: 1.5 })).toThrow(StructuredFieldError)
  })
})
