import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory, zipOf } from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { expect, test } from 'vitest'
import { makingRoom, type MakingRoom } from './making-room.ts'
import { writeFilePatch } from './write-file-patch.ts'
import { writeTreePatches } from './write-tree-patches.ts'

/** One byte more than devices have memory for. */
const LARGE = 64 * 1024 * 1024 + 1

async function zipAt(directory: string, name: string, files: Record<string, Buffer>): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, await zipOf(files))
  return path
}

async function patchOf(base: string, source: string, maxBytes = 1_000_000, room?: MakingRoom) {
  const targets = { 'hpdelta1-deflate': `${source}.patch` }
  return writeTreePatches({ kind: 'tree', base, source, targets, maxBytes }, new AbortController().signal, room)
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

test('on a small machine nothing is tried that would take all of its memory', async () => {
  const room = makingRoom(100_000)
  const directory = await temporaryDirectory()
  const base = await zipAt(directory, 'base.zip', { 'one.bin': noise(20_000) })
  const source = await zipAt(directory, 'source.zip', { 'one.bin': Buffer.concat([noise(20_000), noise(20_000)]) })
  expect(await patchOf(base, source, 1_000_000)).toMatchObject({ outcome: 'made' })
  expect(await patchOf(base, source, 1_000_000, room)).toEqual({ outcome: 'too-large' })
  const asked = {
    kind: 'bsdiff40' as const,
    base,
    source,
    targets: { bsdiff40: `${source}.patch` },
    maxBytes: 1_000_000,
  }
  expect(await writeFilePatch(asked, new AbortController().signal, room)).toEqual({ outcome: 'too-large' })
  expect(makingRoom(2 ** 40).maxMemoryBytes).toBe(384 * 1024 * 1024)
})
