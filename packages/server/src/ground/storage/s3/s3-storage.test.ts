import { spawnSync } from 'node:child_process'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { eventually } from '@hotpatch/testkit'
import {
  hasObjectStore,
  OBJECT_STORE_MISSING,
  startObjectStore,
  type ObjectStore,
} from '@hotpatch/testkit/object-store'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { StorageError, StorageSetupError } from '../storage-error.ts'
import { startLikeGoogle } from '../testing/like-google.ts'
import { describeStorageDriver, listedKeys } from '../testing/storage-driver-suite.ts'
import { createGuardedRemovals } from './guarded-removals.ts'
import { openS3Storage } from './open-s3-storage.ts'
import { connectS3, type S3Client } from './s3-client.ts'
import type { S3Config } from './s3-config.ts'
import { createS3Storage } from './s3-storage.ts'

/** Stores tell times in seconds, cut off or rounded up. */
const APART_MS = 3100

if (!hasObjectStore()) test.skip(`S3: ${OBJECT_STORE_MISSING}`)
else
  describe('S3', () => {
    let store: ObjectStore
    beforeAll(async () => {
      store = await startObjectStore()
    })
    afterAll(() => store.stop())

    function aConfig(changes: Partial<S3Config> = {}): S3Config {
      return {
        kind: 's3',
        bucket: store.bucket,
        endpoint: store.endpoint,
        region: store.region,
        prefix: `${randomUUID()}/`,
        isPathStyle: true,
        credentials: { ...store.writer, sessionToken: null },
        downloads: { kind: 'presigned', linkSeconds: 300 },
        ...changes,
      }
    }

    async function aStorage(changes: Partial<S3Config> = {}) {
      const spoolDirectory = await mkdtemp(join(tmpdir(), 'hotpatch-storage-'))
      const { storage, notice } = await openS3Storage({ config: aConfig(changes), clock: { now: Date.now } })
      onTestFinished(async () => {
        storage.close?.()
        await rm(spoolDirectory, { recursive: true })
      })
      const passTime = async () => {
        const since = Date.now()
        await eventually(() => {
          if (Date.now() - since < APART_MS) throw new Error('The seconds of the store are the same.')
        })
        return new Date()
      }
      return { storage, spoolDirectory, passTime, notice }
    }

    describeStorageDriver('S3', { create: () => aStorage(), raceRounds: 3 })

    describe('at a store with the ways of Google Cloud Storage', () => {
      let google: Awaited<ReturnType<typeof startLikeGoogle>>
      beforeAll(async () => {
        google = await startLikeGoogle(store.endpoint)
      })
      afterAll(() => google.stop())

      describeStorageDriver('S3', { create: () => aStorage({ endpoint: google.endpoint }), raceRounds: 1 })

      test('what it does not know is done otherwise', () => {
        // Asked once by each driver that removes by age or by name, and by nobody for anything else.
        expect(new Set(google.refused)).toEqual(new Set(['POST of many']))
      })
    })

    const startErrorOf = async (changes: Partial<S3Config>, now = Date.now) => {
      const error: unknown = await openS3Storage({ config: aConfig(changes), clock: { now } }).then(
        ({ storage }) => storage.close?.(),
        (thrown: unknown) => thrown,
      )
      if (!(error instanceof StorageSetupError)) throw new Error('Expected a start that says what is wrong.')
      for (const secret of ['writer-secret', 'reader-secret', 'a wrong secret'])
        expect(error.message).not.toContain(secret)
      return error.message
    }

    test('what is wrong with the setup is told at the start, with what to do', async () => {
      const wrong = { accessKeyId: store.writer.accessKeyId, secretAccessKey: 'a wrong secret', sessionToken: null }
      expect(await startErrorOf({ credentials: wrong })).toMatch(
        /found SignatureDoesNotMatch. Correct AWS_ACCESS_KEY_ID/,
      )
      const reader = { ...store.reader, sessionToken: null }
      expect(await startErrorOf({ credentials: reader })).toMatch(
        /found AccessDenied. Let the credentials do s3:PutObject/,
      )
      expect(await startErrorOf({ bucket: 'another-bucket' })).toMatch(/found NoSuchBucket. Make that bucket/)
    })

    test.each([
      ['ahead', 20],
      ['behind', -20],
    ])('a clock that is twenty minutes %s is told at the start', async (direction, minutes) => {
      const message = await startErrorOf({}, () => Date.now() + minutes * 60_000)
      expect(message).toContain(`found one that is 20 minutes ${direction} (RequestTimeTooSkewed)`)
    })

    test('links of a server whose clock is a little off end when they should', async () => {
      const { storage } = await openS3Storage({ config: aConfig(), clock: { now: () => Date.now() - 10 * 60_000 } })
      onTestFinished(() => storage.close?.())
      const url = await storage.downloadUrl('a'.repeat(64))
      // Signed five minutes ago for five minutes, it would be refused: what is missing is the object alone.
      expect((await fetch(url ?? '')).status).toBe(404)
    })

    test('where nobody answers the start says so and goes on', async () => {
      const config = aConfig({ endpoint: 'http://127.0.0.1:9' })
      const { storage, notice } = await openS3Storage({ config, clock: { now: Date.now } })
      onTestFinished(() => storage.close?.())
      expect(notice).toMatch(/cannot be reached \(ECONNREFUSED\)/)
      expect(storage.isReachable?.()).toBe(false)
      await expect(storage.stat('a'.repeat(64))).rejects.toThrow(StorageError)
    })

    const aBigFile = async (directory: string, megabytes = 20) => {
      const bytes = randomBytes(megabytes * 1024 * 1024)
      const path = join(directory, randomUUID())
      await writeFile(path, bytes)
      return { path, sizeBytes: bytes.length, bytes, key: createHash('sha256').update(bytes).digest('hex') }
    }

    test('what is large goes in parts, and comes back the same', async () => {
      const { storage, spoolDirectory } = await aStorage()
      const file = await aBigFile(spoolDirectory)
      await storage.put(file.key, file)
      const stream = await storage.open(file.key)
      expect(stream && (await buffer(stream)).equals(file.bytes)).toBe(true)
      const ranges = [
        { start: 8_388_600, end: 8_388_615 },
        { start: 8_388_700, end: 8_388_709 },
        { start: 5, end: 9 },
      ]
      const cut = await storage.open(file.key, ...ranges)
      const expected = Buffer.concat(ranges.map(({ start, end }) => file.bytes.subarray(start, end + 1)))
      expect(cut && (await buffer(cut)).equals(expected)).toBe(true)
    })

    test('a file that was damaged since it was hashed is not put', async () => {
      const { storage, spoolDirectory } = await aStorage()
      for (const megabytes of [1, 9]) {
        const file = await aBigFile(spoolDirectory, megabytes)
        await writeFile(file.path, randomBytes(file.sizeBytes))
        await expect(storage.put(file.key, file)).rejects.toThrow(/Expected a file with the SHA-256/)
        expect(await storage.stat(file.key)).toBeUndefined()
      }
    })

    test('a removal by age that meets a put leaves the object there, whoever is first', async () => {
      const config = aConfig()
      const s3 = await connectS3({ config, clock: { now: Date.now } })
      onTestFinished(s3.close)
      const nameOf = (key: string) => `${config.prefix}artifacts/${key}`
      const folder = `${config.prefix}removals/`
      const key = 'a'.repeat(64)
      await s3.put(nameOf(key), Buffer.from('old'))
      const begun = Promise.withResolvers<void>()
      const seen = Promise.withResolvers<void>()
      // Has looked at its age, and removes it only when the put has written it and has found the notice.
      const slow: S3Client = {
        ...s3,
        async remove(names, signal) {
          if (names.includes(nameOf(key))) {
            begun.resolve()
            await seen.promise
          }
          return s3.remove(names, signal)
        },
      }
      const looking: S3Client = {
        ...s3,
        async open(name, range) {
          const stream = await s3.open(name, range)
          seen.resolve()
          return stream
        },
      }
      const later = new Date(Date.now() + 60_000)
      const removal = createGuardedRemovals({ s3: slow, folder, nameOf }).removeOlder([key], () => later)
      await begun.promise
      await s3.put(nameOf(key), Buffer.from('new'))
      expect(await createGuardedRemovals({ s3: looking, folder, nameOf }).outlasts(key)).toBe(false)
      await removal
      expect(await s3.stat(nameOf(key))).toBeUndefined()
      // So the put writes it once more, and nobody is about to remove it.
      await s3.put(nameOf(key), Buffer.from('new'))
      expect(await createGuardedRemovals({ s3, folder, nameOf }).outlasts(key)).toBe(true)
    })

    test('an upload that was left in parts shows nothing, and is ended with the leftovers', async () => {
      const config = aConfig()
      const s3 = await connectS3({ config, clock: { now: Date.now } })
      onTestFinished(s3.close)
      const name = `${config.prefix}artifacts/${'b'.repeat(64)}`
      const uploadId = await s3.beginParts(name)
      await s3.putPart(name, uploadId, 1, Buffer.alloc(6_000_000))
      const countParts = async () => {
        const found: string[] = []
        for await (const part of s3.listParts(config.prefix)) found.push(part.uploadId)
        return found.length
      }
      const { storage } = await aStorage({ prefix: config.prefix })
      expect(await listedKeys(storage)).toEqual([])
      await storage.removeLeftovers(new Date(Date.now() - 3_600_000))
      expect(await countParts()).toBe(1)
      await storage.removeLeftovers(new Date(Date.now() + 60_000))
      expect(await countParts()).toBe(0)
    })

    test('a process that is killed in the middle of a put leaves nothing visible', async () => {
      const { storage, spoolDirectory } = await aStorage()
      const file = await aBigFile(spoolDirectory)
      const config = aConfig({ prefix: `${randomUUID()}/` })
      const script = `
        const { connectS3 } = await import(${JSON.stringify(new URL('s3-client.ts', import.meta.url).href)})
        const { createS3Storage } = await import(${JSON.stringify(new URL('s3-storage.ts', import.meta.url).href)})
        const config = ${JSON.stringify(config)}
        const clock = { now: Date.now }
        const s3 = await connectS3({ config, clock })
        const dying = { ...s3, putPart: async (name, id, number, bytes) => {
          const part = await s3.putPart(name, id, number, bytes)
          if (number === 2) process.kill(process.pid, 'SIGKILL')
          return part
        } }
        const storage = await createS3Storage({ s3: dying, config, clock })
        await storage.put(${JSON.stringify(file.key)}, ${JSON.stringify({ path: file.path, sizeBytes: file.sizeBytes })})`
      const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
        encoding: 'utf8',
      })
      expect({ signal, stderr }).toMatchObject({ signal: 'SIGKILL' })
      const { storage: next } = await aStorage({ prefix: config.prefix })
      expect(await next.stat(file.key)).toBeUndefined()
      expect(await listedKeys(next)).toEqual([])
      await next.put(file.key, file)
      expect((await next.stat(file.key))?.sizeBytes).toBe(file.sizeBytes)
      expect(await storage.stat(file.key)).toBeUndefined()
    })

    test('a store that goes in the middle of an upload, and comes back', async () => {
      const { storage, spoolDirectory } = await aStorage()
      const config = aConfig()
      const s3 = await connectS3({ config, clock: { now: Date.now } })
      onTestFinished(s3.close)
      const file = await aBigFile(spoolDirectory)
      const dying = {
        ...s3,
        putPart: async (...part: Parameters<typeof s3.putPart>) => {
          if (part[2] === 2) await store.kill()
          return s3.putPart(...part)
        },
      }
      const broken = await createS3Storage({ s3: dying, config, clock: { now: Date.now } })
      await expect(broken.put(file.key, file)).rejects.toThrow(/cannot be reached/)
      expect(s3.isReachable()).toBe(false)
      await expect(storage.ping?.()).rejects.toThrow(StorageError)
      await store.startAgain()
      const whole = await createS3Storage({ s3, config, clock: { now: Date.now } })
      expect(await whole.stat(file.key)).toBeUndefined()
      await whole.put(file.key, file)
      expect((await whole.stat(file.key))?.sizeBytes).toBe(file.sizeBytes)
      expect(s3.isReachable()).toBe(true)
    })
  })
