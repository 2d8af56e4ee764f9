import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import { get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describeOnEveryDatabase } from '@hotpatch/testkit'
import Fastify from 'fastify'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { DAY_MS } from '../../ground/clock.ts'
import { openDatabase } from '../../ground/database/open-database.ts'
import type { Database } from '../../ground/database/schema.ts'
import { answerWithProblems } from '../../ground/http/problem-response.ts'
import { createDiskStorage } from '../../ground/storage/disk-storage.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import { listedKeys } from '../../ground/storage/testing/storage-driver-suite.ts'
import { artifactRoutes } from './artifact-routes.ts'
import { createArtifactService } from './artifact-service.ts'
import { findArtifact } from './artifact-store.ts'
import { writeZip } from '@hotpatch/testkit/archives'
import { createUploadSpool } from './upload-spool.ts'

async function aStore(db: Database) {
  const directory = await mkdtemp(join(tmpdir(), 'hotpatch-artifacts-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  let now = Date.UTC(2026, 0, 5)
  const clock = { now: () => now }
  const spoolDirectory = join(directory, 'spool')
  const storage = createDiskStorage({ directory: join(directory, 'artifacts'), clock })
  const spool = createUploadSpool({ directory: spoolDirectory, maxBytes: 50_000_000, idleTimeoutMs: 10_000, clock })
  const limits = { maxFiles: 100, maxUnpackedBytes: 50_000_000, maxPathBytes: 300 }
  return {
    storage,
    artifacts: createArtifactService({ db, storage, spool, limits, clock }),
    withStorage: (overrides: Partial<StorageDriver>) =>
      createArtifactService({ db, storage: { ...storage, ...overrides }, spool, limits, clock }),
    spooled: () => readdir(spoolDirectory),
    wait: (milliseconds: number) => void (now += milliseconds),
    now: () => now,
  }
}

function aZip(content: string | Buffer = 'console.log(1)') {
  return writeZip([{ name: 'index.bundle', content, method: 0 }])
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describeOnEveryDatabase('artifacts', (open) => {
  let db: Database
  let store: Awaited<ReturnType<typeof aStore>>
  const receive = (bytes: Buffer) => store.artifacts.receiveArchive(Readable.from([bytes]))

  beforeAll(async () => {
    db = await open()
  })
  beforeEach(async () => {
    await db.deleteFrom('artifact').execute()
    store = await aStore(db)
  })

  test('an archive is received, kept and registered', async () => {
    const zip = aZip()
    const upload = await receive(zip)
    expect(upload).toMatchObject({ sha256: sha256(zip), sizeBytes: zip.length, fileCount: 1, unpackedBytes: 14 })
    expect(await store.storage.stat(upload.sha256)).toBeUndefined()
    await store.artifacts.keep(upload)
    await db.transaction().execute((tx) => store.artifacts.register(tx, upload))

    expect(await findArtifact(db, upload.sha256)).toEqual({
      sha256: upload.sha256,
      size_bytes: zip.length,
      content_type: 'application/zip',
      created_at: store.now(),
      file_count: 1,
      kept_until: null,
    })
    expect(await store.spooled()).toEqual([])
  })

  test('the same archive may come again', async () => {
    for (const upload of [await receive(aZip()), await receive(aZip())]) {
      await store.artifacts.keep(upload)
      await store.artifacts.register(db, upload)
    }
    expect(await listedKeys(store.storage)).toHaveLength(1)
  })

  test('a refused archive leaves nothing behind', async () => {
    await expect(receive(Buffer.from('no zip'))).rejects.toMatchObject({ type: 'invalid-archive' })
    expect(await store.spooled()).toEqual([])
    expect(await listedKeys(store.storage)).toEqual([])
  })

  test('what is discarded before it was kept is gone, after that it stays', async () => {
    const [discarded, kept] = [await receive(aZip('a')), await receive(aZip('b'))]
    await discarded.discard()
    await store.artifacts.keep(kept)
    await kept.discard()
    expect(await store.spooled()).toEqual([])
    expect(await listedKeys(store.storage)).toEqual([kept.sha256])
  })

  test('objects without a row are removed when they are old', async () => {
    const [orphan, referenced] = [await receive(aZip('orphan')), await receive(aZip('referenced'))]
    await store.artifacts.keep(orphan)
    await store.artifacts.keep(referenced)
    await store.artifacts.register(db, referenced)
    store.wait(DAY_MS)
    const recent = await receive(aZip('recent'))
    await store.artifacts.keep(recent)
    store.wait(1)

    expect(await store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })).toBe(1)
    expect(await listedKeys(store.storage)).toEqual([referenced.sha256, recent.sha256].sort())
  })

  test('an orphan that is uploaded again is spared, also when its row comes after the sweep', async () => {
    await store.artifacts.keep(await receive(aZip()))
    store.wait(10 * DAY_MS)
    const again = await receive(aZip())
    await store.artifacts.keep(again)
    expect(await store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })).toBe(0)
    await store.artifacts.register(db, again)
    expect(await store.storage.stat(again.sha256)).toBeDefined()
  })

  describe('an archive that comes before its release', () => {
    const upload = (zip: Buffer, name = sha256(zip)) => store.artifacts.upload(Readable.from([zip]), name)

    test('is there, and waits for a day', async () => {
      const zip = aZip()
      expect(await store.artifacts.find(sha256(zip))).toBeUndefined()
      const content = { sha256: sha256(zip), sizeBytes: zip.length, fileCount: 1 }
      expect(await upload(zip)).toEqual(content)
      expect(await store.artifacts.find(content.sha256)).toEqual(content)
      expect(await store.spooled()).toEqual([])

      store.wait(DAY_MS - 1)
      expect(await store.artifacts.sweepOrphans({ olderThanMs: 0 })).toBe(0)
      store.wait(2)
      expect(await store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })).toBe(1)
      expect(await store.artifacts.find(content.sha256)).toBeUndefined()
      await expect(store.artifacts.claim(db, content)).rejects.toMatchObject({ type: 'artifact-missing' })
    })

    test('stays when its release has come, also when it is uploaded once more', async () => {
      const content = await upload(aZip())
      await store.artifacts.claim(db, content)
      await upload(aZip())
      store.wait(10 * DAY_MS)
      expect(await store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })).toBe(0)
      expect(await store.artifacts.find(content.sha256)).toEqual(content)
    })

    test('waits anew when it is uploaded once more', async () => {
      const content = await upload(aZip())
      store.wait(DAY_MS - 1)
      await upload(aZip())
      store.wait(DAY_MS - 1)
      await store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })
      expect(await store.artifacts.find(content.sha256)).toEqual(content)
    })

    test('is what it was announced as, or refused', async () => {
      await expect(upload(aZip(), 'a'.repeat(64))).rejects.toMatchObject({ type: 'hash-mismatch' })
      await expect(upload(Buffer.from('no zip'))).rejects.toMatchObject({ type: 'invalid-archive' })
      expect([await store.spooled(), await listedKeys(store.storage)]).toEqual([[], []])
    })

    test('counts as missing when its bytes were lost', async () => {
      const content = await upload(aZip())
      await store.storage.remove([content.sha256])
      expect(await store.artifacts.find(content.sha256)).toBeUndefined()
    })
  })

  test('a sweep goes through more objects than one question to the database holds', async () => {
    const keys = Array.from({ length: 1200 }, (_, index) => sha256(Buffer.from(String(index))))
    const removed: string[] = []
    const service = store.withStorage({
      async *list() {
        for (const key of keys) yield { key, sizeBytes: 1, modifiedAt: new Date(0) }
      },
      remove: async (batch) => void removed.push(...batch),
    })
    const referenced = [keys[0], keys[600], keys[1199]] as string[]
    for (const key of referenced) {
      await service.register(db, { ...(await receive(aZip())), sha256: key })
    }
    expect(await service.sweepOrphans({ olderThanMs: DAY_MS })).toBe(1197)
    expect(removed).toEqual(keys.filter((key) => !referenced.includes(key)))
  })
})

test('a sweep whose database does not answer removes nothing', async () => {
  const db = openDatabase({ kind: 'sqlite', path: ':memory:' }) // without tables
  onTestFinished(() => db.destroy())
  const store = await aStore(db)
  await store.artifacts.keep(await store.artifacts.receiveArchive(Readable.from([aZip()])))
  store.wait(2 * DAY_MS)
  await expect(store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })).rejects.toThrow('artifact')
  expect(await listedKeys(store.storage)).toHaveLength(1)
})

describe('downloads', () => {
  const content = randomBytes(1000)
  const zip = aZip(content)
  const key = sha256(zip)
  const etag = `"${key}"`

  async function aServer({ bytes = zip, ...overrides }: Partial<StorageDriver> & { bytes?: Buffer } = {}) {
    // Downloads ask no database: this one has not even tables.
    const db = openDatabase({ kind: 'sqlite', path: ':memory:' })
    const { storage, artifacts } = await aStore(db)
    await artifacts.keep(await artifacts.receiveArchive(Readable.from([bytes])))
    const onDownload = vi.fn<(sha256: string, sizeBytes: number) => void>()
    const app = Fastify()
    answerWithProblems(app)
    await app.register(artifactRoutes({ storage: { ...storage, ...overrides }, onDownload }))
    onTestFinished(async () => {
      await app.close()
      await db.destroy()
    })
    const ask = (headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET', name = key) =>
      app.inject({ method, url: `/artifacts/${name}`, headers })
    return { app, ask, onDownload }
  }

  test('the whole artifact, to be kept forever', async () => {
    const { ask, onDownload } = await aServer()
    const answer = await ask()
    expect(answer.statusCode).toBe(200)
    expect(answer.rawPayload).toEqual(zip)
    expect(answer.headers).toMatchObject({
      etag,
      'accept-ranges': 'bytes',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'application/zip',
      'content-length': String(zip.length),
      'content-disposition': `attachment; filename="${key}.zip"`,
      'x-content-type-options': 'nosniff',
    })
    expect(onDownload.mock.calls).toEqual([[key, zip.length]])
  })

  test('HEAD says the same and sends nothing', async () => {
    const { ask, onDownload } = await aServer({ open: () => Promise.reject(new Error('must not be opened')) })
    const answer = await ask({ range: 'bytes=0-1' }, 'HEAD')
    expect(answer.statusCode).toBe(200)
    expect(answer.rawPayload).toHaveLength(0)
    expect(answer.headers).toMatchObject({ etag, 'content-length': String(zip.length), 'accept-ranges': 'bytes' })
    expect(onDownload).not.toHaveBeenCalled()
  })

  const size = zip.length
  test.each([
    ['bytes=0-0', 0, 0],
    ['bytes=10-19', 10, 19],
    ['bytes=10-', 10, size - 1],
    ['bytes=-10', size - 10, size - 1],
    ['bytes=-999999', 0, size - 1],
    ['bytes=10-999999', 10, size - 1],
    [`bytes=${size - 1}-`, size - 1, size - 1],
    ['Bytes=1-2', 1, 2],
    ['bytes= 1-2', 1, 2],
  ])('the range %s', async (range, start, end) => {
    const { ask, onDownload } = await aServer()
    const answer = await ask({ range })
    expect(answer.statusCode).toBe(206)
    expect(answer.headers['content-range']).toBe(`bytes ${start}-${end}/${size}`)
    expect(answer.headers['content-length']).toBe(String(end - start + 1))
    expect(answer.rawPayload).toEqual(zip.subarray(start, end + 1))
    expect(onDownload.mock.calls).toEqual([[key, end - start + 1]])
  })

  test.each([
    'bytes=0-1,5-6',
    'bytes=5-2',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes=1',
    'items=0-1',
    '0-1',
    'bytes=-1-2',
  ])('the whole artifact for the range %s', async (range) => {
    const { ask } = await aServer()
    const answer = await ask({ range })
    expect(answer.statusCode).toBe(200)
    expect(answer.rawPayload).toEqual(zip)
  })

  test.each([`bytes=${size}-`, `bytes=${size}-${size + 5}`, 'bytes=-0', 'bytes=99999999999999999999-'])(
    'no answer to the range %s',
    async (range) => {
      const { ask } = await aServer()
      const answer = await ask({ range })
      expect(answer.statusCode).toBe(416)
      expect(answer.headers['content-range']).toBe(`bytes */${size}`)
      expect(answer.headers['cache-control']).toBe('no-store')
      expect(answer.json()).toMatchObject({ type: expect.stringContaining('range-not-satisfiable') })
    },
  )

  test.each([
    ['its tag', etag, 206],
    ['another tag', '"other"', 200],
    ['a weak tag', `W/${etag}`, 200],
    ['a date', 'Mon, 05 Jan 2026 00:00:00 GMT', 200],
  ])('a download is resumed if the artifact is still the one with %s', async (_name, ifRange, status) => {
    const { ask } = await aServer()
    expect((await ask({ range: 'bytes=10-', 'if-range': ifRange })).statusCode).toBe(status)
  })

  test.each([
    [etag, 304],
    [`W/${etag}`, 304],
    [`"a", ${etag}`, 304],
    ['*', 304],
    ['"other"', 200],
  ])('a cache that has %s', async (ifNoneMatch, status) => {
    const { ask } = await aServer()
    const answer = await ask({ 'if-none-match': ifNoneMatch })
    expect(answer.statusCode).toBe(status)
    expect(answer.headers).toMatchObject({ etag, 'cache-control': 'public, max-age=31536000, immutable' })
  })

  test.each(['0'.repeat(64), 'latest', key.toUpperCase(), '..%2f..%2fetc%2fpasswd', `${key}.zip`, '%00'])(
    'there is no artifact %s',
    async (name) => {
      const { ask } = await aServer()
      for (const method of ['GET', 'HEAD'] as const) {
        const answer = await ask({}, method, name)
        expect(answer.statusCode).toBe(404)
        expect(answer.headers['cache-control']).toBe('no-store')
      }
      expect((await ask({}, 'GET', name)).json()).toMatchObject({ type: expect.stringContaining('artifact-not-found') })
    },
  )

  test('an artifact that goes between the look and the read', async () => {
    const { ask } = await aServer({ open: () => Promise.resolve(undefined) })
    expect((await ask()).statusCode).toBe(404)
  })

  test('a driver that gives direct links is not streamed through', async () => {
    const { ask, onDownload } = await aServer({
      downloadUrl: () => Promise.resolve(new URL('https://cdn.example.com/a?signature=1')),
      open: () => Promise.reject(new Error('must not be opened')),
    })
    const answer = await ask({ range: 'bytes=0-1' })
    expect(answer.statusCode).toBe(302)
    expect(answer.headers).toMatchObject({
      location: 'https://cdn.example.com/a?signature=1',
      'cache-control': 'no-store',
    })
    expect(onDownload.mock.calls).toEqual([[key, size]])
    expect((await ask({}, 'HEAD')).statusCode).toBe(302)
    expect(onDownload).toHaveBeenCalledTimes(1)
  })

  test('a disk that fails in the middle ends the connection instead of the file', async () => {
    const { app, onDownload } = await aServer({
      open: () =>
        Promise.resolve(
          Readable.from(
            (async function* () {
              yield zip.subarray(0, 100)
              await new Promise(setImmediate)
              throw new Error('EIO')
            })(),
          ),
        ),
    })
    const address = await app.listen({ port: 0, host: '127.0.0.1' })
    await expect(fetch(`${address}/artifacts/${key}`).then((answer) => answer.arrayBuffer())).rejects.toThrow(Error)
    expect(onDownload).not.toHaveBeenCalled()
  })

  test('a client that goes away has its file closed', async () => {
    const large = aZip(randomBytes(20_000_000))
    const { app, onDownload } = await aServer({ bytes: large })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    const request = get({ port, host: '127.0.0.1', path: `/artifacts/${sha256(large)}` })
    const [answer] = (await once(request, 'response')) as [Readable]
    await once(answer, 'readable')
    expect(await openFiles(sha256(large))).toBe(1)
    request.destroy()
    await vi.waitFor(async () => expect(await openFiles(sha256(large))).toBe(0))
    expect(onDownload).not.toHaveBeenCalled()
  })
})

/** How often this process has a file of this name open. Only Linux tells; elsewhere the count is what is hoped for. */
async function openFiles(name: string): Promise<number> {
  const descriptors = await readdir('/proc/self/fd').catch(() => [])
  const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  return targets.filter((target) => target.endsWith(name)).length
}
