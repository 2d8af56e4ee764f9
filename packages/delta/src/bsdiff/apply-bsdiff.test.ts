import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PatchError } from '../ground/patch-error.ts'
import { makeBsdiff } from '../make/make-bsdiff.ts'
import { applyBsdiff } from './apply-bsdiff.ts'
import type { BsdiffFormat } from './bsdiff-format.ts'

const sha256 = () => createHash('sha256')
const BASE = Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(20))
const TARGET = Buffer.from('The quick brown cat jumps over the lazy dog! '.repeat(21))
const ANNOUNCED = { sizeBytes: TARGET.length, sha256: sha256().update(TARGET).digest('hex') }

test.each<BsdiffFormat>(['bsdiff40', 'bsdiff43'])(
  '%s: a patch that was changed makes the announced bytes or none',
  async (format) => {
    const [patch] = await makeBsdiff(BASE, TARGET, { formats: [format] })
    const change = fc.tuple(fc.array(fc.nat(patch!.length * 8 - 1), { maxLength: 3 }), fc.option(fc.nat(patch!.length)))
    await fc.assert(
      fc.asyncProperty(change, async ([bits, cut]) => {
        const changed = patch!.slice(0, cut ?? patch!.length)
        for (const bit of bits) if (bit >> 3 < changed.length) changed[bit >> 3]! ^= 1 << (bit & 7)
        try {
          const made = await applyBsdiff({ patch: changed, base: BASE, target: ANNOUNCED, sha256 })
          expect(Buffer.from(made)).toEqual(TARGET)
        } catch (error) {
          if (!(error instanceof PatchError)) throw error
        }
      }),
      { numRuns: 300 },
    )
  },
)

test('a base that is another one is told from a patch that is wrong', async () => {
  const [patch] = await makeBsdiff(BASE, TARGET, { formats: ['bsdiff40'] })
  const base = Buffer.from(BASE).fill('x', 0, 10)
  const input = { patch: patch!, base, target: ANNOUNCED, sha256 }
  const baseSha256 = sha256().update(BASE).digest('hex')
  await expect(applyBsdiff({ ...input, baseSha256 })).rejects.toMatchObject({ code: 'base-differs' })
  await expect(applyBsdiff(input)).rejects.toMatchObject({ code: 'result-differs' })
})
