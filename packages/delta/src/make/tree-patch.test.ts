import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PatchError } from '../ground/patch-error.ts'
import { nodeSha256, nodeUnpacking } from '../node/index.ts'
import { patchSource } from '../tree/patch-source.ts'
import { readTreePatch } from '../tree/read-tree-patch.ts'
import { treeDigest } from '../tree/tree-file.ts'
import type { Packing } from '../tree/tree-format.ts'
import type { Unpacking } from '../tree/unpack.ts'
import { makeTreePatch } from './make-tree-patch.ts'
import type { SourceFile } from './plan-tree.ts'

type Tree = Record<string, string | Uint8Array>

const LIMITS = { maxFileBytes: 10_000_000, maxTargetBytes: 20_000_000 }
const PACKINGS = ['brotli', 'deflate'] as const

function filesOf(tree: Tree): SourceFile[] {
  return Object.entries(tree).map(([path, content]) => {
    const bytes = Buffer.from(content)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return { path, sizeBytes: bytes.length, sha256, read: () => Promise.resolve(bytes) }
  })
}

async function apply(
  bytes: Uint8Array,
  base: SourceFile[],
  targetSha256: string,
  unpacking: Unpacking = nodeUnpacking,
) {
  const patch = await readTreePatch({
    patch: patchSource(bytes),
    base,
    targetSha256,
    sha256: nodeSha256,
    unpacking,
    limits: LIMITS,
  })
  const sources = new Map(base.map((file) => [file.path, file]))
  const tree = new Map<string, Uint8Array>()
  for (const { path, from } of patch.files) {
    if (from.kind === 'kept' || from.kind === 'moved') tree.set(path, await sources.get(from.base.path)!.read())
  }
  for await (const { file, bytes: made } of patch.make((file) => sources.get(file.path)!.read()))
    tree.set(file.path, made)
  return { tree, patch }
}

async function patchOf(base: Tree, target: Tree, packing: Packing = 'brotli') {
  const made = await makeTreePatch(filesOf(base), filesOf(target), { packings: [packing] })
  return { ...made, bytes: made.patches[0]!.bytes }
}

function expectTree(tree: ReadonlyMap<string, Uint8Array>, expected: Tree): void {
  expect([...tree.keys()].toSorted()).toEqual(Object.keys(expected).toSorted())
  for (const [path, bytes] of tree) expect(Buffer.from(bytes)).toEqual(Buffer.from(expected[path]!))
}

/** Lines that no two seeds share. */
function code(seed: string, lines = 200): string {
  return Array.from({ length: lines }, (_, line) => {
    const name = createHash('sha256').update(`${seed}/${line}`).digest('hex').slice(0, 24)
    return `export const v${name} = () => call('${name}')`
  }).join('\n')
}

const BASE: Tree = {
  '_next/static/chunks/aaa.js': code('one'),
  '_next/static/chunks/bbb.js': code('two'),
  'index.html': '<script src="aaa.js"></script>',
  'kept.txt': 'the same',
  'removed.txt': 'gone',
}
const TARGET: Tree = {
  '_next/static/chunks/ccc.js': code('two').replace('call', 'shout'),
  '_next/static/chunks/ddd.js': code('one').replace('call', 'shout'),
  'empty.txt': '',
  'index.html': '<script src="ddd.js"></script>',
  'kept.txt': 'the same',
  'copied/kept.txt': 'the same',
  'new.js': code('three'),
}

test.each(PACKINGS)('%s: files are kept, moved, patched by name and by content, and new', async (packing) => {
  const { bytes, counts, targetSha256 } = await patchOf(BASE, TARGET, packing)
  expect(counts).toEqual({ kept: 1, moved: 1, patched: 3, new: 2 })
  const { tree, patch } = await apply(bytes, filesOf(BASE), targetSha256)
  expectTree(tree, TARGET)
  const origins = patch.files.map(({ path, from }) => [path, 'base' in from ? from.base.path : from.kind])
  expect(Object.fromEntries(origins)).toMatchObject({
    '_next/static/chunks/ccc.js': '_next/static/chunks/bbb.js',
    '_next/static/chunks/ddd.js': '_next/static/chunks/aaa.js',
    'empty.txt': 'new',
  })
})

test('what did not change costs next to nothing', async () => {
  const many: Tree = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`assets/${index}.js`, `${index}`]))
  const { bytes } = await patchOf(many, { ...many, 'assets/5.js': 'other' })
  expect(bytes.length).toBeLessThan(250)
})

const trees = fc
  .dictionary(
    fc.stringMatching(/^[a-e]{1,2}$/),
    fc.tuple(fc.constantFrom('one', 'two', 'three'), fc.nat(40), fc.string({ maxLength: 30 })),
    { maxKeys: 8 },
  )
  .map((files): Tree => {
    const entries = Object.entries(files).map(([name, [seed, lines, end]]) => [
      `x/${name}.js`,
      `${code(seed, lines)}${end}`,
    ])
    return Object.fromEntries(entries) as Tree
  })

test('the first new file is empty', async () => {
  const { bytes, targetSha256 } = await patchOf({}, { a: '', b: 'b' })
  expectTree((await apply(bytes, [], targetSha256)).tree, { a: '', b: 'b' })
})

test('any tree from any other', async () => {
  await fc.assert(
    fc.asyncProperty(trees, trees, fc.constantFrom(...PACKINGS), async (base, target, packing) => {
      const { bytes, targetSha256 } = await patchOf(base, target, packing)
      expectTree((await apply(bytes, filesOf(base), targetSha256)).tree, target)
    }),
    { numRuns: 40 },
  )
})

test('files that are too large to go together, and one that is too expensive to patch', async () => {
  const [first, second] = [code('a', 29_000), code('b', 29_000)]
  const base = { 'a.js': first, 'b.js': second, 'c.js': 'c' }
  const target = { 'a.js': `${first}!`, 'b.js': `${second}!`, 'c.js': 'd' }
  const made = await makeTreePatch(filesOf(base), filesOf(target), {
    packings: ['deflate'],
    maxMemoryBytes: 25 * 1024 * 1024,
  })
  expect(made.counts).toMatchObject({ new: 3 })
  expectTree((await apply(made.patches[0]!.bytes, filesOf(base), made.targetSha256)).tree, target)
})

test('from another tree, and to another one than is announced', async () => {
  const { bytes, targetSha256 } = await patchOf(BASE, TARGET)
  const other = filesOf({ ...BASE, 'kept.txt': 'changed' })
  await expect(apply(bytes, other, targetSha256)).rejects.toMatchObject({ code: 'base-differs' })
  await expect(apply(bytes, filesOf(BASE), 'f'.repeat(64))).rejects.toMatchObject({ code: 'result-differs' })
})

test('a base that is no longer what its list says', async () => {
  const { bytes, targetSha256 } = await patchOf(BASE, TARGET)
  const rotten = filesOf(BASE).map((file) => ({
    ...file,
    read: async () => Buffer.concat([await file.read(), Buffer.of(0)]),
  }))
  await expect(apply(bytes, rotten, targetSha256)).rejects.toMatchObject({ code: 'base-differs' })
})

test('a device without brotli takes the deflated one', async () => {
  const { bytes, targetSha256 } = await patchOf(BASE, TARGET, 'brotli')
  const { deflate } = nodeUnpacking
  const some = deflate ? { deflate } : {}
  await expect(apply(bytes, filesOf(BASE), targetSha256, some)).rejects.toMatchObject({ code: 'packing-unsupported' })
  const deflated = await patchOf(BASE, TARGET, 'deflate')
  expectTree((await apply(deflated.bytes, filesOf(BASE), targetSha256, some)).tree, TARGET)
})

test('limits hold before anything is unpacked', async () => {
  const { bytes, targetSha256 } = await patchOf(BASE, TARGET)
  const input = {
    patch: patchSource(bytes),
    base: filesOf(BASE),
    targetSha256,
    sha256: nodeSha256,
    unpacking: nodeUnpacking,
  }
  for (const limits of [
    { ...LIMITS, maxFileBytes: 100 },
    { ...LIMITS, maxTargetBytes: 100 },
  ]) {
    await expect(readTreePatch({ ...input, limits })).rejects.toMatchObject({ code: 'patch-too-large' })
  }
})

test('a frame that takes more memory than a file may is refused before it is read', async () => {
  const files = Object.fromEntries(['a', 'b', 'c'].map((seed) => [`${seed}.js`, code(seed)]))
  const { bytes, targetSha256 } = await patchOf({}, files)
  const largest = Math.max(...Object.values(files).map(({ length }) => length))
  const limits = { ...LIMITS, maxFileBytes: largest + 100 }
  const input = { patch: patchSource(bytes), base: [], targetSha256, sha256: nodeSha256, unpacking: nodeUnpacking }
  await expect(readTreePatch({ ...input, limits })).rejects.toMatchObject({ code: 'patch-too-large' })
})

test('a small index that stands for many more files than a tree has ends before it takes memory for them', async () => {
  const many = Object.fromEntries(Array.from({ length: 1_500 }, (_, number) => [`${number}.txt`, '']))
  const { bytes, targetSha256 } = await patchOf(many, { ...many, 'new.txt': 'new' }, 'deflate')
  const kept = [0, 0, (1_500 % 128) | 128, 1_500 >> 7]
  const entries = 2_000
  const index = Buffer.from([
    0,
    (entries % 128) | 128,
    entries >> 7,
    ...Array.from({ length: entries }, () => kept).flat(),
  ])
  const applied = apply(putTogether(bytes, index, Buffer.alloc(0)), filesOf(many), targetSha256)
  // The fourteenth entry goes beyond 20,000; all of them together are three millions.
  await expect(applied).rejects.toMatchObject({
    code: 'patch-damaged',
    message: expect.stringContaining('found 21000.'),
  })
})

describe('a patch that was changed', () => {
  test('makes the announced files or none', async () => {
    const { bytes, targetSha256 } = await patchOf(BASE, TARGET, 'deflate')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(bytes.length * 8 - 1), { minLength: 1, maxLength: 3 }),
        fc.option(fc.nat(bytes.length)),
        async (bits, cut) => {
          const changed = bytes.slice(0, cut ?? bytes.length)
          for (const bit of bits) if (bit >> 3 < changed.length) changed[bit >> 3]! ^= 1 << (bit & 7)
          await expectNoneOrAnnounced(changed, targetSha256)
        },
      ),
      { numRuns: 400 },
    )
  })

  test('in its index, which is well packed', async () => {
    const { bytes, targetSha256 } = await patchOf(BASE, TARGET, 'deflate')
    const { index, rest } = takeApart(bytes)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(index.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        async (edits) => {
          const changed = index.slice()
          for (const [at, value] of edits) changed[at] = value
          await expectNoneOrAnnounced(putTogether(bytes, changed, rest), targetSha256)
        },
      ),
      { numRuns: 400 },
    )
  })

  test('in what its frames unpack to', async () => {
    const { bytes, targetSha256 } = await patchOf(BASE, TARGET, 'deflate')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(2_000), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        async (edits) => {
          let unpacked = 0
          const deflate = async (packed: Uint8Array, sizeBytes: number) => {
            const content = Uint8Array.from(await nodeUnpacking.deflate!(packed, sizeBytes))
            unpacked += 1
            // The first is the index.
            if (unpacked > 1) for (const [at, value] of edits) content[at % content.length] = value
            return content
          }
          await expectNoneOrAnnounced(bytes, targetSha256, { deflate })
        },
      ),
      { numRuns: 400 },
    )
  })

  async function expectNoneOrAnnounced(
    changed: Uint8Array,
    targetSha256: string,
    unpacking?: Unpacking,
  ): Promise<void> {
    try {
      const { tree, patch } = await apply(changed, filesOf(BASE), targetSha256, unpacking)
      expectTree(tree, TARGET)
      expect(await treeDigest(patch.files, nodeSha256)).toBe(targetSha256)
    } catch (error) {
      if (!(error instanceof PatchError)) throw error
    }
  }
})

/** Patches §5.1, by hand. */
function takeApart(bytes: Uint8Array) {
  const view = Buffer.from(bytes)
  const [indexBytes, packedBytes] = [view.readUInt32LE(73), view.readUInt32LE(77)]
  const index = nodeUnpacking.deflate!(view.subarray(81, 81 + packedBytes), indexBytes) as Uint8Array
  return { index: Uint8Array.from(index), rest: view.subarray(81 + packedBytes) }
}

function putTogether(bytes: Uint8Array, index: Uint8Array, rest: Uint8Array): Uint8Array {
  // Not packed at all is deflate, too: one stored block.
  const stored = Buffer.concat([
    Buffer.of(1, index.length & 255, index.length >> 8, ~index.length & 255, (~index.length >> 8) & 255),
    index,
  ])
  const header = Buffer.from(bytes.subarray(0, 81))
  header.writeUInt32LE(index.length, 73)
  header.writeUInt32LE(stored.length, 77)
  return Buffer.concat([header, stored, rest])
}

test('it ends when nobody wants it any more, and tells how far it is', async () => {
  const aborting = new AbortController()
  const reason = new Error('another release came')
  const shares: number[] = []
  const onProgress = (share: number) => {
    shares.push(share)
    aborting.abort(reason)
  }
  const made = makeTreePatch(filesOf(BASE), filesOf(TARGET), {
    packings: PACKINGS,
    onProgress,
    signal: aborting.signal,
  })
  await expect(made).rejects.toBe(reason)
  expect(shares.length).toBeGreaterThan(0)
})

test('paths that would leave the folder are not made into a patch', async () => {
  await expect(patchOf({}, { '../outside.js': 'x' })).rejects.toThrow('paths that can be')
})
