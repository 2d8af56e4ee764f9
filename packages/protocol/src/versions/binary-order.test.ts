import fc from 'fast-check'
import { expect, test } from 'vitest'
import vectors from '../../../../vectors/versions.json' with { type: 'json' }
import { createSeenBinaries, isNewerBinary, isNowhereNewer, type BinaryVersion } from './binary-order.ts'
import { parseNativeVersion } from './native-version.ts'

function binary(text: string, code: number | null = null): BinaryVersion {
  const version = parseNativeVersion(text)
  if (!version) throw new Error(`not a version: ${text}`)
  return { version, code: code ?? version.build }
}

test.each(vectors.binaryOrder.cases)('$offered ($code) for $own: $comment', ({ offered, code, own, isNewer }) => {
  expect(isNewerBinary(binary(offered, code), binary(own))).toBe(isNewer)
})

const binaries = fc
  .tuple(fc.constantFrom('1', '1.0.1', '1.1-rc', '1.1', '2', '2.0.1'), fc.constantFrom(null, 0, 1, 2, 3))
  .map(([text, code]) => binary(text, code))

test('nothing is newer than itself, and of two never both', () => {
  fc.assert(
    fc.property(binaries, binaries, (a, b) => {
      expect(isNewerBinary(a, a)).toBe(false)
      expect(isNewerBinary(a, b) && isNewerBinary(b, a)).toBe(false)
    }),
  )
})

test('whoever follows what is newer never comes back to what they had', () => {
  fc.assert(
    fc.property(fc.array(binaries, { minLength: 1, maxLength: 8 }), (offers) => {
      const withCode = offers.filter(({ code }) => code !== undefined)
      for (const alike of [withCode, offers.filter(({ code }) => code === undefined)]) {
        const taken: BinaryVersion[] = []
        for (const offer of alike) {
          const own = taken.at(-1)
          if (!own || isNewerBinary(offer, own)) taken.push(offer)
        }
        const [first] = taken
        const last = taken.at(-1)
        if (first && last && first !== last) expect(isNewerBinary(first, last)).toBe(false)
      }
    }),
  )
})

test('what is nowhere newer is newer for nobody for whom the one above is not', () => {
  fc.assert(
    fc.property(binaries, binaries, binaries, (below, above, own) => {
      if (isNowhereNewer(below, above) && !isNewerBinary(above, own)) expect(isNewerBinary(below, own)).toBe(false)
    }),
    { numRuns: 2000 },
  )
})

test('the lowest that were seen say as much as all of them', () => {
  fc.assert(
    fc.property(fc.array(binaries, { maxLength: 8 }), binaries, (all, offered) => {
      const seen = createSeenBinaries()
      for (const each of all) seen.add(each)
      expect(seen.hasOlderThan(offered)).toBe(all.some((own) => isNewerBinary(offered, own)))
    }),
    { numRuns: 2000 },
  )
})
