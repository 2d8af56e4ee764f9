import { createMemoryFiles } from '@hotpatch/client/memory'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createContentPool } from './content-pool.ts'
import { createDeviceFiles } from './device-files.ts'

const archive = Uint8Array.from({ length: 40 }, (_, index) => index)
const path = fc.constantFrom(
  'ota',
  'ota/a.json',
  'ota/p',
  'ota/p/zip',
  'ota/p/files',
  'ota/p/files/x',
  'ota/b',
  'ota/b/x',
)
const deed = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), path, from: fc.nat(30), length: fc.nat(10) }),
  fc.record({ kind: fc.constant('append' as const), path, from: fc.nat(30), length: fc.nat(10) }),
  fc.record({ kind: fc.constant('rename' as const), path, to: path }),
  fc.record({ kind: fc.constantFrom('remove' as const, 'makeDirectory' as const, 'sync' as const), path }),
)

test('files are those that a whole file system in memory has, whatever is done', async () => {
  const property = fc.asyncProperty(fc.array(deed, { maxLength: 40 }), async (deeds) => {
    const pool = createContentPool()
    pool.addArchive(archive)
    const [ours, model] = [createDeviceFiles(pool), createMemoryFiles()]
    for (const next of deeds) {
      const doIt = async (files: typeof ours) => {
        switch (next.kind) {
          case 'write':
            return files.write(next.path, archive.slice(next.from, next.from + next.length))
          case 'append': {
            const size = (await files.stat(next.path))?.sizeBytes ?? 0
            return files.append(next.path, size, archive.slice(size, size + next.length))
          }
          case 'rename':
            return next.to.startsWith(next.path) ? undefined : files.rename(next.path, next.to)
          default:
            return files[next.kind](next.path)
        }
      }
      const results = await Promise.allSettled([doIt(model), doIt(ours)])
      // What one refuses ends the story: the engine never does it.
      if (results.some(({ status }) => status === 'rejected')) return
      for (const each of ['ota', 'ota/a.json', 'ota/p/zip', 'ota/p/files/x', 'ota/b', 'ota/b/x']) {
        const stat = await model.stat(each)
        expect(await ours.stat(each)).toEqual(stat)
        if (stat?.kind === 'file')
          expect([...((await ours.read(each)) ?? [])]).toEqual([...((await model.read(each)) ?? [])])
      }
    }
  })
  await fc.assert(property, { numRuns: 300 })
})

test('devices share what they have alike, but not their notes', async () => {
  const pool = createContentPool()
  pool.addArchive(archive)
  const devices = [createDeviceFiles(pool), createDeviceFiles(pool)]
  for (const files of devices) {
    await files.makeDirectory('ota/pending/files')
    await files.write('ota/metadata.json', Uint8Array.of(1, 2, 3))
    await files.write('ota/pending/files/index.js', Uint8Array.of(4, 5, 6))
    for (const offset of [0, 10, 20]) await files.append('ota/pending/zip', offset, archive.slice(offset, offset + 10))
    await files.append('ota/pending/files/large.bin', 0, Uint8Array.of(7, 8))
    await files.sync('ota/pending/files/large.bin')
  }
  const [a, b] = await Promise.all(
    devices.map(async (files) => ({
      notes: await files.read('ota/metadata.json'),
      file: await files.read('ota/pending/files/index.js'),
      large: await files.read('ota/pending/files/large.bin'),
      zip: (await files.read('ota/pending/zip'))?.buffer,
    })),
  )
  expect(a?.file).toBe(b?.file)
  expect(a?.large).toBe(b?.large)
  expect(a?.zip).toBe(archive.buffer)
  expect(b?.zip).toBe(archive.buffer)
  expect(a?.notes).not.toBe(b?.notes)
})
