import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { compareNativeVersions, parseBinaryVersion, parseNativeVersion } from './native-version.ts'
import { compareSemver, parseSemver } from './semver.ts'

interface VersionVectors {
  chains: { comment: string; versions: string[] }[]
  equal: { comment: string; versions: string[] }[]
  invalid: { comment: string; text: string }[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../../vectors/versions.json', import.meta.url), 'utf8'),
) as Record<'semver' | 'native' | 'binary', VersionVectors>

type Compare = (a: string, b: string) => number | undefined

/** Undefined when one of the two is no version. */
function comparison<Version>(
  parse: (text: string) => Version | undefined,
  compare: (a: Version, b: Version) => number,
): Compare {
  return (a, b) => {
    const [left, right] = [parse(a), parse(b)]
    return left && right && Math.sign(compare(left, right))
  }
}

const compareAs = {
  semver: comparison(parseSemver, compareSemver),
  native: comparison(parseNativeVersion, compareNativeVersions),
  binary: comparison(parseBinaryVersion, compareNativeVersions),
}

describe.each(['semver', 'native', 'binary'] as const)('%s', (kind) => {
  const compare = compareAs[kind]

  test.each(vectors[kind].chains)('rising: $comment', ({ versions }) => {
    for (const [index, a] of versions.entries()) {
      expect(compare(a, a), `${a} is itself`).toBe(0)
      for (const b of versions.slice(index + 1)) {
        expect(compare(a, b), `${a} is below ${b}`).toBe(-1)
        expect(compare(b, a), `${b} is above ${a}`).toBe(1)
      }
    }
  })

  test.each(vectors[kind].equal)('equal: $comment', ({ versions }) => {
    for (const a of versions) {
      for (const b of versions) expect(compare(a, b), `${a} and ${b}`).toBe(0)
    }
  })

  test.each(vectors[kind].invalid)('not a version: $text ($comment)', ({ text }) => {
    expect(compare(text, text)).toBeUndefined()
  })
})

const number = fc.constantFrom('0', '1', '2', '10', '999999999999999', '9007199254740991')
const identifier = fc.constantFrom(
  '0',
  '1',
  '9',
  '10',
  '99999999999999999',
  '100000000000000000',
  'a',
  'A',
  '-',
  '1a',
  'rc',
)
const prerelease = fc
  .array(identifier, { maxLength: 3 })
  .map((parts) => (parts.length > 0 ? `-${parts.join('.')}` : ''))
const build = fc.constantFrom('', '+0', '+7', '+45', '+a.b')
const texts = {
  semver: fc
    .tuple(number, number, number, prerelease, build)
    .map(([a, b, c, rest, more]) => `${a}.${b}.${c}${rest}${more}`),
  native: fc
    .tuple(
      fc.array(fc.constantFrom('0', '1', '2', '10', '999999999999999'), { minLength: 1, maxLength: 4 }),
      prerelease,
      build,
    )
    .map(([parts, rest, more]) => parts.join('.') + rest + more)
    .filter((text) => text.length <= 64),
}

describe.each(['semver', 'native'] as const)('%s comparison is a total order', (kind) => {
  const compare = (a: string, b: string): number => {
    const order = compareAs[kind](a, b)
    if (order === undefined) throw new Error(`not a version: ${a} or ${b}`)
    return order
  }

  test('antisymmetric', () => {
    fc.assert(
      fc.property(texts[kind], texts[kind], (a, b) => {
        expect(compare(a, b) + compare(b, a)).toBe(0)
        expect(compare(a, a)).toBe(0)
      }),
      { numRuns: 1000 },
    )
  })

  test('transitive', () => {
    fc.assert(
      fc.property(texts[kind], texts[kind], texts[kind], (...three) => {
        const [a, b, c] = three.toSorted(compare) as [string, string, string]
        expect(compare(a, b)).toBeLessThanOrEqual(0)
        expect(compare(b, c)).toBeLessThanOrEqual(0)
        expect(compare(a, c)).toBe(compare(a, b) === 0 ? compare(b, c) : -1)
      }),
      { numRuns: 2000 },
    )
  })
})

test('any text is a version or is not, and soon', () => {
  // Whoever tries all ways to read one of these does not end.
  const hostile = [
    '1.'.repeat(30),
    `1.0.0-${'1.'.repeat(120)}`,
    `1.0.0-${'0'.repeat(240)}a!`,
    `1.0.0-${'-'.repeat(249)}\n`,
  ]
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.constantFrom(...hostile)), (text) => {
      for (const parse of [parseSemver, parseNativeVersion, parseBinaryVersion]) expect(() => parse(text)).not.toThrow()
    }),
    { examples: hostile.map((text): [string] => [text]) },
  )
})
