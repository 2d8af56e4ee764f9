import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { isInNativeRange, parseNativeRange } from './native-range.ts'
import { parseNativeVersion } from './native-version.ts'

interface RangeVectors {
  ranges: { range: string; inside: string[]; outside: string[]; comment: string }[]
  invalid: { text: string; comment: string }[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../../vectors/native-ranges.json', import.meta.url), 'utf8'),
) as RangeVectors

function isInside(versionText: string, rangeText: string): boolean {
  const version = parseNativeVersion(versionText)
  const range = parseNativeRange(rangeText)
  if (!version || !range) throw new Error(`not a version or not a range: ${versionText}, ${rangeText}`)
  return isInNativeRange(version, range)
}

describe('vectors', () => {
  test.each(vectors.ranges)('$range: $comment', ({ range, inside, outside }) => {
    for (const version of inside) expect(isInside(version, range), `${version} is in ${range}`).toBe(true)
    for (const version of outside) expect(isInside(version, range), `${version} is not in ${range}`).toBe(false)
  })

  test.each(vectors.invalid)('not a range: $text ($comment)', ({ text }) => {
    expect(parseNativeRange(text)).toBeUndefined()
  })
})

const part = fc.integer({ min: 0, max: 3 })
const version = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.'))
const whole = fc.tuple(part, part, part).map((parts) => parts.join('.'))

describe('properties', () => {
  test('operators are what they say', () => {
    fc.assert(
      fc.property(version, whole, (found, bound) => {
        const [isEqual, isBelow] = [isInside(found, `=${bound}`), isInside(found, `<${bound}`)]
        expect(isInside(found, `<=${bound}`)).toBe(isBelow || isEqual)
        expect(isInside(found, `>=${bound}`)).toBe(!isBelow)
        expect(isInside(found, `>${bound}`)).toBe(!isBelow && !isEqual)
      }),
    )
  })

  test('a partial bound is every version that begins so', () => {
    const isSame = (a: string, b: string) => a.split('.').every((each, index) => each === (b.split('.')[index] ?? '0'))
    fc.assert(
      fc.property(version, version, (found, bound) => {
        expect(isInside(found, bound)).toBe(isSame(bound, found))
      }),
    )
  })

  test('"||" is either, a space is both', () => {
    const comparator = fc
      .tuple(fc.constantFrom('', '=', '<', '<=', '>', '>=', '^', '~'), version)
      .map(([operator, bound]) => operator + bound)
    fc.assert(
      fc.property(version, comparator, comparator, (found, one, other) => {
        expect(isInside(found, `${one} || ${other}`)).toBe(isInside(found, one) || isInside(found, other))
        expect(isInside(found, `${one} ${other}`)).toBe(isInside(found, one) && isInside(found, other))
      }),
    )
  })

  test('any text is a range or is not', () => {
    const rangeLike = fc.string({
      unit: fc.constantFrom(...'< > = ^ ~ | - + . x X * v 0 1 2 3 a b'.split(' '), ' '),
      maxLength: 300,
    })
    fc.assert(
      fc.property(fc.oneof(rangeLike, fc.string({ unit: 'binary' })), version, (text, found) => {
        const range = parseNativeRange(text)
        const parsed = parseNativeVersion(found)
        if (range && parsed) expect(isInNativeRange(parsed, range)).toBeTypeOf('boolean')
      }),
      { numRuns: 2000 },
    )
  })
})
