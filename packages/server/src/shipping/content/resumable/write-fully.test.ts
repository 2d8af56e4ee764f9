import { open, readFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTemporaryDirectory } from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { expect, onTestFinished, test } from 'vitest'
import { writeFully } from './write-fully.ts'

async function openFile(): Promise<{ path: string; file: FileHandle }> {
  const path = join(await makeTemporaryDirectory(), 'upload')
  const file = await open(path, 'w+')
  onTestFinished(() => file.close())
  return { path, file }
}

/** A system that takes at most so many bytes at once. */
const takingAtMost = (file: FileHandle, most: number) =>
  ({
    write: (bytes: Uint8Array, offset: number, length: number, position: number) =>
      file.write(bytes, offset, Math.min(length, most), position),
  }) as Pick<FileHandle, 'write'>

test('what the system takes in parts has no hole', async () => {
  const { path, file } = await openFile()
  const bytes = noise(10_000)
  await writeFully(file, bytes.subarray(0, 1_000), 0)
  await writeFully(takingAtMost(file, 999), bytes.subarray(1_000), 1_000)
  expect(bytes.equals(await readFile(path))).toBe(true)
})

test('a system that takes nothing is not asked for ever', async () => {
  const { file } = await openFile()
  await expect(writeFully(takingAtMost(file, 0), noise(10), 0)).rejects.toThrow('took 0 of 10 bytes')
})
