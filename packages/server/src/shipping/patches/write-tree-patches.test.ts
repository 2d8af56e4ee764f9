import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory, zipOf } from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { expect, test } from 'vitest'
import { writeTreePatches } from './write-tree-patches.ts'

/** One byte more than devices have memory for. */
const LARGE = 64 * 1024 * 1024 + 1

async function zipAt(directory: string, name: string, files: Record<string, Buffer>): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, await zipOf(files))
  return path
}

async function patchOf(base: string, source: string, maxBytes = 1_000_000) {
  const targets = { 'hpdelta1-deflate': `${source}.patch` }
  return writeTreePatches({ kind: 'tree', base, source, targets, maxBytes }, new AbortController().signal)
}

test('a file that no device can make is in no patch, and one that it has may be as large', async () => {
  const directory = await temporaryDirectory()
  const video = Buffer.alloc(LARGE)
  const base = await zipAt(directory, 'base.zip', { 'video.mp4': video })
  const moved = await zipAt(directory, 'moved.zip', { 'moved.mp4': video, 'new.txt': Buffer.from('new') })
  expect(await patchOf(base, moved)).toMatchObject({ outcome: 'made' })
  video[0] = 1
  expect(await patchOf(base, await zipAt(directory, 'other.zip', { 'video.mp4': video }))).toEqual({
    outcome: 'too-large',
  })
})

test('one that becomes too large is none', async () => {
  const directory = await temporaryDirectory()
  const base = await zipAt(directory, 'base.zip', { 'two.bin': Buffer.from('small') })
  const source = await zipAt(directory, 'source.zip', { 'one.bin': noise(20_000), 'two.bin': Buffer.from('small') })
  expect(await patchOf(base, source, 19_000)).toEqual({ outcome: 'not-smaller' })
})
