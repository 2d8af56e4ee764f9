import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Problem } from '@hotpatch/protocol'
import { archiveCases, MAX_VECTOR_BYTES, noise, writeZip, type ZipEntry } from '@hotpatch/testkit/archives'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import vectors from '../../../../../../vectors/archives.json' with { type: 'json' }
import { checkArchive, type ArchiveLimits } from './archive-check.ts'

const file = (name: string, more: ZipEntry = {}): ZipEntry => ({ name, content: 'hello', ...more })

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'hotpatch-archive-'))))
afterAll(() => rm(folder, { recursive: true }))

async function check(zip: Buffer, limits: Partial<ArchiveLimits> = {}, signal?: AbortSignal) {
  const path = join(folder, 'upload.zip')
  await writeFile(path, zip)
  return checkArchive(path, { ...vectors.limits, ...limits }, { signal })
}

async function ruleBrokenBy(zip: Buffer, limits: Partial<ArchiveLimits> = {}): Promise<unknown> {
  const error = await check(zip, limits).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (error === undefined) return 'none'
  if (!(error instanceof Problem)) throw error
  expect(error.type).toBe('invalid-archive')
  expect(error.message).toContain('xpected')
  return error.extensions.rule
}

describe('accepted', () => {
  test('says what is inside', async () => {
    const zip = writeZip([
      { name: 'assets/', method: 0, unixMode: 0o040755, attributes: 0x10 },
      { name: 'assets/a.png', content: noise(100_000), method: 0, unixMode: 0o100644 },
      { name: 'index.bundle', content: 'x'.repeat(1_000_000) },
    ])
    expect(await check(zip)).toEqual({
      fileCount: 2,
      unpackedBytes: 1_100_000,
      files: [
        { path: 'assets/a.png', sizeBytes: 100_000 },
        { path: 'index.bundle', sizeBytes: 1_000_000 },
      ],
    })
  })
})

describe('archives that devices judge as well', () => {
  test.each(vectors.cases)('$comment', async ({ rule, zip, limits, files }) => {
    const bytes = Buffer.from(zip, 'base64')
    expect(await ruleBrokenBy(bytes, limits)).toBe(rule ?? 'none')
    if (files)
      expect((await check(bytes, limits)).files).toEqual(files.map(({ path, sizeBytes }) => ({ path, sizeBytes })))
  })

  const large = archiveCases.filter(({ zip }) => zip.length > MAX_VECTOR_BYTES)
  test.each(large)('too large for a vector: $comment', async ({ rule, zip, limits }) => {
    expect(await ruleBrokenBy(zip, limits)).toBe(rule ?? 'none')
  })
})

describe('damage', () => {
  test('a header in the middle of an entry', async () => {
    const zip = writeZip([{ name: 'a', method: 0, content: writeZip([file('x')]) }, file('x', { offset: 31 })])
    expect(await ruleBrokenBy(zip)).toBe('overlap')
  })

  test('a zip that is cut anywhere', async () => {
    const zip = writeZip([file('a'), file('b/c', { method: 0 })])
    for (let length = 0; length < zip.length; length += 1) {
      expect(await ruleBrokenBy(zip.subarray(0, length))).not.toBe('none')
    }
  })

  test('whatever byte is changed: it is refused, or the same files come out', async () => {
    const zip = writeZip([file('a', { content: 'x'.repeat(60) }), file('b/c', { method: 0 })])
    for (let index = 0; index < zip.length; index += 1) {
      const changed = Buffer.from(zip)
      changed.writeUInt8((zip[index] ?? 0) ^ 0x11, index)
      const outcome = await check(changed).catch((error: unknown) => error)
      if (outcome instanceof Problem) expect(outcome.type).toBe('invalid-archive')
      else expect(outcome).toMatchObject({ fileCount: 2, unpackedBytes: 65 })
    }
  })
})

test('the refusal names the entry, shortened', async () => {
  const error = await check(writeZip([file(`../${'a'.repeat(60_000)}`)])).catch((error: unknown) => error)
  expect(error).toMatchObject({ extensions: { rule: 'path-length', entry: `../${'a'.repeat(197)}…` } })
  expect((error as Problem).message.length).toBeLessThan(400)
})

test('the refusal of ZIP64 says what to do', async () => {
  const error = await check(writeZip([file('a')], { zip64: true })).catch((error: unknown) => error)
  expect(error).toMatchObject({ message: expect.stringContaining('`hotpatch release`') })
})

test('an aborted check stops with the reason', async () => {
  const reason = new Error('the client went away')
  await expect(check(writeZip([file('a')]), {}, AbortSignal.abort(reason))).rejects.toBe(reason)
})

test('a file that cannot be read is not blamed on the archive', async () => {
  await expect(checkArchive(join(folder, 'missing.zip'), vectors.limits)).rejects.toMatchObject({ code: 'ENOENT' })
})
