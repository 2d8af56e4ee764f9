import { describe, expect, test } from 'vitest'
import bsdiff from '../../../vectors/patches/bsdiff.json' with { type: 'json' }
import trees from '../../../vectors/patches/tree.json' with { type: 'json' }
import { applyBsdiff } from './bsdiff/apply-bsdiff.ts'
import { digestOf } from './ground/digest.ts'
import { nodeSha256 as sha256, nodeUnpacking as unpacking } from './node/index.ts'
import { patchSource } from './tree/patch-source.ts'
import { readTreePatch } from './tree/read-tree-patch.ts'
import { treeDigest } from './tree/tree-file.ts'

const bytesOf = (text: string) => Buffer.from(text, 'base64')

describe('Patches §2 and §3', () => {
  const apply = (vector: { base: string; patch: string; sizeBytes: number; sha256: string }) =>
    applyBsdiff({ patch: bytesOf(vector.patch), base: bytesOf(vector.base), target: vector, sha256 })

  test.each(bsdiff.made)('$format: $comment', async (vector) => {
    expect(Buffer.from(await apply(vector))).toEqual(bytesOf(vector.target))
  })

  test.each(bsdiff.refused)('$format, $code: $comment', async (vector) => {
    await expect(apply(vector)).rejects.toMatchObject({ name: 'PatchError', code: vector.code })
  })
})

type Files = Record<string, string>

async function filesOf(files: Files) {
  const list = Object.entries(files).map(async ([path, text]) => {
    const bytes = bytesOf(text)
    return { path, sizeBytes: bytes.length, sha256: await digestOf(sha256, bytes) }
  })
  return Promise.all(list)
}

interface TreeVector {
  base: Files
  patch: string
  targetSha256: string
  limits?: { maxFileBytes: number; maxTargetBytes: number }
}

async function applyTree({ base, patch, targetSha256, limits }: TreeVector): Promise<Files> {
  const read = await readTreePatch({
    patch: patchSource(bytesOf(patch)),
    base: await filesOf(base),
    targetSha256,
    sha256,
    unpacking,
    limits: limits ?? { maxFileBytes: 1_000_000, maxTargetBytes: 1_000_000 },
  })
  const files: Files = {}
  for (const { path, from } of read.files) {
    if (from.kind === 'kept' || from.kind === 'moved') files[path] = base[from.base.path]!
  }
  for await (const { file, bytes } of read.make(({ path }) => bytesOf(base[path]!))) {
    files[file.path] = Buffer.from(bytes).toString('base64')
  }
  return files
}

describe('Patches §4 and §5', () => {
  const made = trees.made as unknown as (TreeVector & { comment: string; target: Files; baseSha256: string })[]
  const refused = trees.refused as unknown as (TreeVector & { comment: string; code: string })[]

  test.each(made)('$comment', async (vector) => {
    expect(await treeDigest(await filesOf(vector.base), sha256)).toBe(vector.baseSha256)
    expect(await treeDigest(await filesOf(vector.target), sha256)).toBe(vector.targetSha256)
    expect(await applyTree(vector)).toEqual(vector.target)
  })

  test.each(refused)('$code: $comment', async (vector) => {
    await expect(applyTree(vector)).rejects.toMatchObject({ name: 'PatchError', code: vector.code })
  })
})
