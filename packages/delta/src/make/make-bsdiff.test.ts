import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from '@hotpatch/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyBsdiff } from '../bsdiff/apply-bsdiff.ts'
import type { BsdiffFormat } from '../bsdiff/bsdiff-format.ts'
import { loadHotUpdaterBsdiff } from '../testing/index.ts'
import { makeBsdiff } from './make-bsdiff.ts'

const BSDIFF = process.env.BSDIFF_PATH ?? ''
const BSPATCH = process.env.BSPATCH_PATH ?? ''
const FORMATS = ['bsdiff40', 'bsdiff43'] as const

const sha256 = () => createHash('sha256')
const digestOf = (bytes: Uint8Array) => sha256().update(bytes).digest('hex')

async function makePatch(base: Uint8Array, target: Uint8Array, format: BsdiffFormat): Promise<Uint8Array> {
  const [patch] = await makeBsdiff(base, target, { formats: [format] })
  return patch!
}

function apply(patch: Uint8Array, base: Uint8Array, target: Uint8Array): Promise<Uint8Array> {
  const announced = { sizeBytes: target.length, sha256: digestOf(target) }
  return applyBsdiff({ patch, base, baseSha256: digestOf(base), target: announced, sha256 })
}

/** A text and what became of it: pieces moved, left out, repeated, changed a little, and new ones in between. */
const edited = fc
  .tuple(
    fc.array(fc.string({ maxLength: 120 }), { minLength: 1, maxLength: 20 }),
    fc.array(fc.tuple(fc.nat(19), fc.nat(3), fc.nat(60)), { maxLength: 30 }),
  )
  .map(([pieces, edits]) => {
    const base = Buffer.from(pieces.join('\n').repeat(3))
    const target = Buffer.concat(
      edits.map(([piece, kind, at]) => {
        const bytes = Buffer.from(pieces[piece % pieces.length]!.repeat(2))
        if (kind === 1 && at < bytes.length) bytes[at]! += 1
        return kind === 2 ? Buffer.from(`new ${at} `) : bytes
      }),
    )
    return { base, target }
  })

/** Real code, and a later state of it. */
async function realCode() {
  const base = await readFile(new URL('../../../../package-lock.json', import.meta.url))
  const text = base
    .toString()
    .replaceAll('"node_modules/@', '"modules/@')
    .replace(/"version": "\d+/g, '"version": "9')
  const [half, lines] = [text.length >> 1, text.split('\n')]
  return { base, target: Buffer.from(`${lines.slice(0, 50).join('\n')}${text.slice(half)}${text.slice(0, half)}`) }
}

test.each(FORMATS)('%s: a patch makes its target', async (format) => {
  await fc.assert(
    fc.asyncProperty(edited, async ({ base, target }) => {
      const patch = await makePatch(base, target, format)
      expect(Buffer.from(await apply(patch, base, target))).toEqual(target)
    }),
    { numRuns: 60 },
  )
})

test.each(FORMATS)('%s: of nothing, to nothing, and to the same', async (format) => {
  const [nothing, something] = [new Uint8Array(0), Buffer.from('something')]
  for (const base of [nothing, something]) {
    for (const target of [nothing, something]) {
      expect(await apply(await makePatch(base, target, format), base, target)).toHaveLength(target.length)
    }
  }
})

test('a small change of real code is a small patch', async () => {
  const { base } = await realCode()
  const target = Buffer.from(base)
  target.write('changed here', 200_000)
  for (const format of FORMATS) expect((await makePatch(base, target, format)).length).toBeLessThan(400)
})

describe.skipIf(BSDIFF === '' || BSPATCH === '')("Debian's bsdiff and bspatch", () => {
  async function theirPatch(directory: string, base: Uint8Array, target: Uint8Array): Promise<Buffer> {
    const [from, to, patch] = ['base', 'target', 'patch'].map((name) => join(directory, name))
    await writeFile(from!, base)
    await writeFile(to!, target)
    execFileSync(BSDIFF, [from!, to!, patch!])
    return readFile(patch!)
  }

  async function theirTarget(directory: string, base: Uint8Array, patch: Uint8Array): Promise<Buffer> {
    const [from, made, file] = ['base', 'made', 'patch'].map((name) => join(directory, name))
    await writeFile(from!, base)
    await writeFile(file!, patch)
    execFileSync(BSPATCH, [from!, made!, file!])
    return readFile(made!)
  }

  async function agree(directory: string, { base, target }: { base: Buffer; target: Buffer }): Promise<void> {
    expect((await theirTarget(directory, base, await makePatch(base, target, 'bsdiff40'))).equals(target)).toBe(true)
    expect(Buffer.from(await apply(await theirPatch(directory, base, target), base, target)).equals(target)).toBe(true)
  }

  test('make and apply the same as ours', async () => {
    const directory = await temporaryDirectory()
    // Of an empty file theirs cannot make any.
    const some = edited.filter(({ base, target }) => base.length > 0 && target.length > 0)
    await fc.assert(
      fc.asyncProperty(some, (given) => agree(directory, given)),
      { numRuns: 30 },
    )
  })

  test('of real code, and ours is no more than a twentieth larger', async () => {
    const directory = await temporaryDirectory()
    const { base, target } = await realCode()
    await agree(directory, { base, target })
    const ours = await makePatch(base, target, 'bsdiff40')
    expect(ours.length).toBeLessThan((await theirPatch(directory, base, target)).length * 1.05)
  })
})

/** What clients of hot-updater apply. */
describe("hot-updater's own bsdiff", async () => {
  const theirs = await loadHotUpdaterBsdiff()

  test('makes and applies the same as ours', async () => {
    const inputs = [...fc.sample(edited, 50), await realCode()].filter(
      ({ base, target }) => base.length * target.length > 0,
    )
    for (const { base, target } of inputs) {
      expect(theirs.apply(base, await makePatch(base, target, 'bsdiff43')).equals(target)).toBe(true)
      expect(Buffer.from(await apply(theirs.make(base, target), base, target)).equals(target)).toBe(true)
    }
  })
})

test('several formats are made of one search', async () => {
  const { base, target } = await realCode()
  const shares: number[] = []
  const patches = await makeBsdiff(base, target, { formats: FORMATS, onProgress: (share) => shares.push(share) })
  for (const patch of patches) expect(Buffer.from(await apply(patch, base, target)).equals(target)).toBe(true)
  expect(shares.toSorted((a, b) => a - b)).toEqual(shares)
  expect(shares.at(-1)).toBe(1)
})

test('what takes too much memory is refused before anything is done', async () => {
  const base = new Uint8Array(1_000_000)
  await expect(makeBsdiff(base, base, { formats: ['bsdiff40'], maxMemoryBytes: 30_000_000 })).rejects.toMatchObject({
    code: 'too-expensive',
    message: expect.stringContaining('30000000 are allowed') as unknown,
  })
})

test('what takes too many comparisons is refused', async () => {
  const { base, target } = await realCode()
  await expect(makeBsdiff(base, target, { formats: ['bsdiff40'], maxComparedBytes: 1_000 })).rejects.toMatchObject({
    code: 'too-expensive',
  })
})

test('it ends when nobody wants it any more, with what it was told', async () => {
  const { base, target } = await realCode()
  const aborting = new AbortController()
  const reason = new Error('another release came')
  const onProgress = (share: number) => (share > 0.5 ? aborting.abort(reason) : undefined)
  await expect(makeBsdiff(base, target, { formats: ['bsdiff40'], onProgress, signal: aborting.signal })).rejects.toBe(
    reason,
  )
})
