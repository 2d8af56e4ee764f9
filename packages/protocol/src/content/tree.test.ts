import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { ManifestFile } from './files-manifest.ts'
import { writeTree } from './tree.ts'

interface TreeVectors {
  trees: { comment: string; files: ManifestFile[]; text: string; sha256: string }[]
}

const { trees } = JSON.parse(
  readFileSync(new URL('../../../../vectors/trees.json', import.meta.url), 'utf8'),
) as TreeVectors

test.each(trees)('Patches §4: $comment', ({ files, text, sha256 }) => {
  for (const order of [files, files.toReversed()]) {
    expect(writeTree(order)).toBe(text)
    expect(createHash('sha256').update(writeTree(order)).digest('hex')).toBe(sha256)
  }
})
