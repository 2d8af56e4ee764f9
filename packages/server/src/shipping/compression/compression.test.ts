import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { problem } from '@hotpatch/protocol'
import {
  describeOnEveryDatabase,
  eventually,
  fixedClock,
  makeTemporaryDirectory,
  sha256Of,
  startTestServer,
  zipOf,
} from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createChanges } from '../../ground/database/changes.ts'
import type { Database } from '../../ground/database/schema.ts'
import { createDiskStorage } from '../../ground/storage/disk-storage.ts'
import { createRecordingLog } from '../../fleet/recording/testing/fixtures.ts'
import { asPart, createArtifactService } from '../artifacts/artifact-service.ts'
import { createUploadSpool } from '../artifacts/upload-spool.ts'
import { createCompression } from './compression.ts'

const script = Buffer.from('console.log("hello")\n'.repeat(1_000))
const large = Buffer.from(`${'word '.repeat(300_000)}end`)
const files = {
  'index.html': '<p>hello</p>'.repeat(100),
  'assets/app.js': script,
  'assets/large.json': large,
  'assets/noise.bin': noise(20_000),
  'assets/photo.png': Buffer.alloc(20_000),
}

describeOnEveryDatabase('compression', (open) => {
  let db: Database
  let server: Awaited<ReturnType<typeof startTestServer>>
  beforeAll(async () => {
    db = await open()
    server = await startTestServer({ database: db })
  })
  // The database is the suite's, which closes it.
  afterAll(() => server?.close().catch(() => undefined))

  const variants = (on = db, algorithm = 'br') =>
    on.selectFrom('artifact_variant').selectAll().where('algorithm', '=', algorithm).orderBy('sha256').execute()
  const countAwaiting = async (on = db) =>
    (await on.selectFrom('artifact').select('sha256').where('awaits_compression', '=', 1).execute()).length

  test('is made of what is large enough and shrinks, after the publish, and raises the catalogs', async () => {
    const app = await server.createTestApp()
    await server.published(app, { bundle: await zipOf(files), version: '1.0.0' })
    const generation = async () =>
      (
        await db
          .selectFrom('catalog_generation')
          .select('generation')
          .where('platform', '=', 'android')
          .executeTakeFirstOrThrow()
      ).generation
    await eventually(async () => expect(await countAwaiting()).toBe(0))
    expect(await generation()).toBeGreaterThan(1)

    const made = await variants()
    expect(made.map(({ sha256 }) => sha256)).toEqual([sha256Of(script), sha256Of(large)].sort())
    for (const [of, bytes] of [
      [sha256Of(script), script],
      [sha256Of(large), large],
    ] as const) {
      const { variant_sha256: key = '' } = made.find(({ sha256 }) => sha256 === of) ?? {}
      const url = `/artifacts/${of}`
      const plain = await server.app.http.inject({ url })
      const packed = await server.app.http.inject({ url, headers: { 'accept-encoding': 'br' } })
      expect([packed.headers['content-encoding'], plain.headers['content-encoding']]).toEqual(['br', undefined])
      expect(plain.rawPayload.equals(bytes)).toBe(true)
      expect(brotliDecompressSync(packed.rawPayload).equals(bytes)).toBe(true)
      expect(sha256Of(packed.rawPayload)).toBe(key)
      expect((await server.app.http.inject({ url: `/artifacts/${key}` })).rawPayload.equals(packed.rawPayload)).toBe(
        true,
      )
      const zipped = await server.app.http.inject({ url, headers: { 'accept-encoding': 'gzip, deflate' } })
      expect(zipped.headers['content-encoding']).toBe('gzip')
      expect(gunzipSync(zipped.rawPayload).equals(bytes)).toBe(true)
    }
    expect((await variants(db, 'gzip')).map(({ sha256 }) => sha256)).toEqual(made.map(({ sha256 }) => sha256))
  })

  test('goes on where a server that was killed left it', async () => {
    await db.deleteFrom('artifact_variant').execute()
    const keys = [sha256Of(script), sha256Of(large)]
    await db.updateTable('artifact').set({ awaits_compression: 1 }).where('sha256', 'in', keys).execute()
    const app = await server.createTestApp()
    // Any publish wakes it, as a start does.
    await server.published(app, { bundle: await zipOf({ 'index.html': 'x' }), version: '1.0.0' })
    await eventually(async () => expect(await countAwaiting()).toBe(0))
    expect((await variants()).map(({ sha256 }) => sha256)).toEqual(keys.sort())
  })

  test('tries again later what the disk had no room for, and the others go on meanwhile', async () => {
    // Of its own: the suite's server would do some of it.
    const own = await open()
    const directory = await makeTemporaryDirectory()
    onTestFinished(() => rm(directory, { recursive: true }))
    const clock = fixedClock()
    const storage = createDiskStorage({ directory: join(directory, 'artifacts'), clock })
    const uploads = join(directory, 'uploads')
    const spool = createUploadSpool({ directory: uploads, maxBytes: 1e9, idleTimeoutMs: 1e4, clock })
    const artifacts = createArtifactService({ db: own, storage, clock })
    const keys = [sha256Of(script), sha256Of(large)]
    const sent = [await spool.receive(Readable.from([script])), await spool.receive(Readable.from([large]))]
    await artifacts.keep(sent)
    await artifacts.register(
      own,
      sent.map((each) => ({ ...asPart(each), awaitsCompression: true })),
    )
    let isFull = true
    const full: typeof spool = {
      ...spool,
      receive: (stream, limits) =>
        isFull && limits?.maxBytes === large.length
          ? Promise.reject(problem('unavailable', 'The disk is full.'))
          : spool.receive(stream, limits),
    }
    const waits: number[] = []
    let next = () => undefined as void
    const timers = {
      after(delayMs: number, run: () => void) {
        waits.push(delayMs)
        next = run
        return () => undefined
      },
    }
    const changes = createChanges({ db: own, raise: async () => undefined, announce: () => undefined })
    const { log } = createRecordingLog()
    const parts = { storage, spool: full, artifacts, changes, clock, timers, log }
    const compression = createCompression({ db: own, ...parts, raiseReleases: async () => undefined })
    onTestFinished(() => compression.stop())
    const made = async () => (await variants(own)).map(({ sha256 }) => sha256)
    compression.wake()
    await eventually(() => expect(waits).toEqual([60_000]))
    expect(await made()).toEqual([sha256Of(script)])
    for (const round of [2, 3]) {
      next()
      await eventually(() => expect(waits).toHaveLength(round))
    }
    expect([await made(), await countAwaiting(own), waits]).toEqual([[sha256Of(script)], 1, [60_000, 120_000, 240_000]])
    isFull = false
    next()
    await eventually(async () => expect(await countAwaiting(own)).toBe(0))
    expect(await made()).toEqual(keys.toSorted())
    expect(waits).toHaveLength(3)
  })

  test('passes over a file that is longer than it was, and loses none of the others', async () => {
    await db.deleteFrom('artifact_variant').execute()
    const again = { awaits_compression: 1 as const }
    await db.updateTable('artifact').set(again).where('sha256', '=', sha256Of(large)).execute()
    const grown = { ...again, size_bytes: 10 }
    await db.updateTable('artifact').set(grown).where('sha256', '=', sha256Of(script)).execute()
    const app = await server.createTestApp()
    await server.published(app, { bundle: await zipOf({ 'index.html': 'y' }), version: '1.0.0' })
    await eventually(async () => expect(await countAwaiting()).toBe(0))
    expect((await variants()).map(({ sha256 }) => sha256)).toEqual([sha256Of(large)])
  })
})
