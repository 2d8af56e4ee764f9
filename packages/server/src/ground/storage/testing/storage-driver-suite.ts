import { createHash, randomUUID } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { beforeEach, describe, expect, test } from 'vitest'
import type { SpooledFile, StorageDriver } from '../storage-driver.ts'

export interface StorageUnderTest {
  storage: StorageDriver
  /** A folder for files that are put. */
  spoolDirectory: string
  /** Lets time pass. @returns a time by the driver's clock: after all that was put before, and not after what is put next */
  passTime(): Promise<Date>
}

interface SuiteOptions {
  create: () => Promise<StorageUnderTest>
  /** Where each request takes a while. */
  raceRounds?: number
}

/** What every storage driver must do. */
export function describeStorageDriver(name: string, { create, raceRounds = 50 }: SuiteOptions): void {
  describe(`storage: ${name}`, () => {
    let storage: StorageDriver
    let spoolDirectory: string
    let passTime: StorageUnderTest['passTime']

    beforeEach(async () => {
      ;({ storage, spoolDirectory, passTime } = await create())
    })

    const spool = (content: string) => spoolFile(spoolDirectory, content)
    const read = async (key: string, ...ranges: { start: number; end: number }[]) => {
      const stream = await storage.open(key, ...ranges)
      return stream && (await buffer(stream)).toString()
    }
    const keys = () => listedKeys(storage)

    test('what was put is there, and the file is taken over', async () => {
      const file = await spool('bundle')
      const before = await passTime()
      await storage.put(file.key, file)
      const after = await passTime()
      const found = await storage.stat(file.key)
      expect(found).toEqual({ sizeBytes: 6, modifiedAt: expect.any(Date) })
      // Some stores cut seconds off, and some round them up.
      expect(found?.modifiedAt.getTime()).toBeGreaterThan(before.getTime() - SECOND_MS)
      expect(found?.modifiedAt.getTime()).toBeLessThan(after.getTime())
      expect(await read(file.key)).toBe('bundle')
      await expect(stat(file.path)).rejects.toMatchObject({ code: 'ENOENT' })
    })

    test('an object may be empty', async () => {
      const file = await spool('')
      await storage.put(file.key, file)
      expect(await read(file.key)).toBe('')
    })

    test('what was never put is undefined', async () => {
      const { key } = await spool('never put')
      expect(await storage.stat(key)).toBeUndefined()
      expect(await storage.open(key)).toBeUndefined()
      expect(await keys()).toEqual([])
    })

    test.each([
      [{ start: 0, end: 0 }, 'b'],
      [{ start: 2, end: 3 }, 'nd'],
      [{ start: 4, end: 5 }, 'le'],
    ])('the range %o has both its ends', async (range, expected) => {
      const file = await spool('bundle')
      await storage.put(file.key, file)
      expect(await read(file.key, range)).toBe(expected)
    })

    test('several ranges come one after the other, in their order', async () => {
      const file = await spool('bundle'.repeat(50_000))
      await storage.put(file.key, file)
      const ranges = [
        { start: 200_002, end: 200_003 },
        { start: 0, end: 149_999 },
        { start: 299_999, end: 299_999 },
        { start: 0, end: 0 },
      ]
      const whole = 'bundle'.repeat(50_000)
      const expected = ranges.map(({ start, end }) => whole.slice(start, end + 1)).join('')
      expect((await read(file.key, ...ranges)) === expected).toBe(true)
      expect(await read('0'.repeat(64), ...ranges)).toBeUndefined()
    })

    test('putting again keeps the object, takes the file and counts as new', async () => {
      const [first, second] = [await spool('bundle'), await spool('bundle')]
      await storage.put(first.key, first)
      const again = await passTime()
      await storage.put(second.key, second)
      const found = await storage.stat(first.key)
      expect(found?.sizeBytes).toBe(6)
      expect(found?.modifiedAt.getTime()).toBeGreaterThan(again.getTime() - SECOND_MS)
      expect(await read(first.key)).toBe('bundle')
      await expect(stat(second.path)).rejects.toMatchObject({ code: 'ENOENT' })
    })

    test('puts of the same key at the same time all succeed', async () => {
      const files = await Promise.all(Array.from({ length: 20 }, () => spool('bundle')))
      await Promise.all(files.map((file) => storage.put(file.key, file)))
      expect(await keys()).toEqual([files[0]?.key])
      expect(await read(files[0]?.key ?? '')).toBe('bundle')
    })

    test('a put that fails leaves nothing visible', async () => {
      const file = await spool('bundle')
      await expect(storage.put(file.key, { ...file, path: join(spoolDirectory, 'missing') })).rejects.toThrow('ENOENT')
      expect(await storage.stat(file.key)).toBeUndefined()
      expect(await keys()).toEqual([])
    })

    test('list has every object once', async () => {
      const files = await Promise.all(Array.from({ length: 30 }, (_, index) => spool(`bundle ${index}`)))
      for (const file of files) await storage.put(file.key, file)
      expect(await keys()).toEqual(files.map(({ key }) => key).sort())
    })

    test('remove takes what exists and passes over the rest', async () => {
      const [kept, removed, missing] = [await spool('kept'), await spool('removed'), await spool('missing')]
      await storage.put(kept.key, kept)
      await storage.put(removed.key, removed)
      await storage.remove([missing.key, removed.key])
      expect(await keys()).toEqual([kept.key])
    })

    test('a conditional removal spares what was put since', async () => {
      const [old, again] = [await spool('old'), await spool('put again')]
      await storage.put(old.key, old)
      await storage.put(again.key, { ...again })
      const unmodifiedSince = await passTime()
      const secondUpload = await spool('put again')
      await storage.put(again.key, secondUpload)
      await storage.remove([old.key, again.key], { unmodifiedSince })
      expect(await keys()).toEqual([again.key])
    })

    test('an object that is put while it is removed for its age is there in the end', async () => {
      for (let round = 0; round < raceRounds; round += 1) {
        const file = await spool('bundle')
        await storage.remove([file.key])
        await storage.put(file.key, file)
        const unmodifiedSince = await passTime()
        const upload = await spool('bundle')
        await Promise.all([
          storage.remove([file.key], { unmodifiedSince }),
          storage.put(file.key, upload),
          storage.remove([file.key], { unmodifiedSince }),
        ])
        expect(await read(file.key)).toBe('bundle')
      }
    })

    test('removing leftovers leaves objects alone', async () => {
      const file = await spool('bundle')
      await storage.put(file.key, file)
      await storage.removeLeftovers(await passTime())
      expect(await read(file.key)).toBe('bundle')
    })

    test('a direct link leads to the bytes', async () => {
      const file = await spool('bundle')
      await storage.put(file.key, file)
      const url = await storage.downloadUrl(file.key)
      if (url) expect(await (await fetch(url)).text()).toBe('bundle')
    })

    test('what a direct link must be called by, it is called by', async () => {
      const file = await spool('bundle')
      await storage.put(file.key, file)
      const headers = {
        contentType: 'text/plain',
        contentDisposition: 'attachment; filename="a b.txt"',
        contentEncoding: 'identity',
      }
      const url = await storage.downloadUrl(file.key, { headers, mustHaveHeaders: true })
      if (!url) return
      const answer = await fetch(url)
      expect(await answer.text()).toBe('bundle')
      expect(answer.headers.get('content-type')).toMatch(/^text\/plain/)
      expect(answer.headers.get('content-disposition')).toBe('attachment; filename="a b.txt"')
    })

    test.each([
      '',
      '../etc/passwd',
      'ABCDEF',
      'a'.repeat(63),
      'A'.repeat(64),
      `${'a'.repeat(64)}/x`,
      `${'a'.repeat(64)}\n`,
    ])('a key that is no hash is refused: %j', async (key) => {
      const file = await spool('bundle')
      await expect(storage.put(key, file)).rejects.toThrow(TypeError)
      await expect(storage.stat(key)).rejects.toThrow(TypeError)
      await expect(storage.open(key)).rejects.toThrow(TypeError)
      await expect(storage.downloadUrl(key)).rejects.toThrow(TypeError)
      await expect(storage.remove([key])).rejects.toThrow(TypeError)
      expect(await readFile(file.path, 'utf8')).toBe('bundle')
    })
  })
}

export async function listedKeys(storage: StorageDriver): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of storage.list()) keys.push(key)
  return keys.sort()
}

const SECOND_MS = 1000

async function spoolFile(directory: string, content: string): Promise<SpooledFile & { key: string }> {
  const path = join(directory, randomUUID())
  await writeFile(path, content)
  return { path, sizeBytes: Buffer.byteLength(content), key: createHash('sha256').update(content).digest('hex') }
}
