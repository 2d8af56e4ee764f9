import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { NewReleaseContent } from '@hotpatch/api'
import { Problem, readStatement, writeStatement, type Platform, type Requirement } from '@hotpatch/protocol'
import { describeOnEveryDatabase } from '@hotpatch/testkit'
import fc from 'fast-check'
import Fastify from 'fastify'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Database } from '../../../ground/database/schema.ts'
import { DAY_MS } from '../../../ground/clock.ts'
import { listedKeys } from '../../../ground/storage/testing/storage-driver-suite.ts'
import { artifactRoutes } from '../../artifacts/artifact-routes.ts'
import { createServedTypes } from '../../artifacts/served-types.ts'
import type { ContentKind, ContentLimits, Facts, ReceivedBytes } from '../content-kind.ts'
import {
  describeContent,
  statedOf,
  type NewContent,
  type StoredContent,
  type StoredUpload,
} from '../content-service.ts'
import { contentKind, fileExtensionOf, type OfferedContent, type ServedKind } from '../kinds.ts'
import { APP_ID, insertApp, openContentStore, type ContentStore } from './open-content-store.ts'

export interface ContentKindSamples<New extends NewReleaseContent> {
  /** That files have, of kinds that want to know it. */
  name?: string
  /** What a publish says of bytes of this kind. */
  contentOf(bytes: ReceivedBytes): New
  /** Files that have to be there before: small ones. */
  before?: readonly Buffer[]
  /** How somebody's file of `good` ends. */
  fileExtension: string
  /** What is taken, of a few hundred bytes or more. */
  good: Buffer
  /** What is refused, whoever sends it. */
  hostile: readonly { comment: string; bytes: Buffer; limits?: Partial<ContentLimits> }[]
  /** What is harmless, and more than such limits allow. */
  tooMuch: readonly { comment: string; bytes: Buffer; limits: Partial<ContentLimits> }[]
  /** Of `good`: what devices can run, and what they cannot. */
  fits: readonly FitSample<New>[]
  unfit: readonly FitSample<New>[]
  /** What its statement says besides, of kinds whose bytes say it. */
  stated?: { platform: Platform; version: string; requirement: Requirement }
  /** What devices can take file by file, with all that is in it, and the same with one file changed; null: nothing is. */
  listed: { bytes: Buffer; files: Readonly<Record<string, Buffer>>; next: Buffer; changed: string } | null
}

interface FitSample<New extends NewReleaseContent> {
  /** Android and 1.0.0 when absent, or what the bytes say. */
  platform?: Platform
  version?: string
  /** Besides what is said of its bytes. */
  content?: Partial<New>
}

const OTHER_APP_ID = '01970000-0000-7000-8000-000000000002'

/** Of the content itself, and of its list. */
const keysOf = ({ sha256, facts }: StoredUpload) => [sha256, ...(facts.list ? [facts.list.sha256] : [])]

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** What every kind of content must do on the server, Content §1. */
export function describeContentKind<Found extends Facts, New extends NewReleaseContent, Offered extends OfferedContent>(
  tested: ContentKind<Found, New, Offered>,
  samples: ContentKindSamples<New>,
): void {
  const { good, name, before = [], stated: said } = samples
  const named = { platform: said?.platform ?? ('android' as const), version: said?.version ?? '1.0.0' }
  const kind = tested as object as ServedKind
  const as = { kind: tested.name, name }
  const digest = sha256(good)

  describeOnEveryDatabase(`content: ${kind.name}`, (open) => {
    let db: Database
    let store: ContentStore
    beforeAll(async () => {
      db = await open()
      await insertApp(db)
    })
    beforeEach(async () => {
      await db.deleteFrom('artifact').execute()
      store = await openContentStore(db)
      await sendBefore(store)
    })
    async function sendBefore({ files }: ContentStore): Promise<void> {
      for (const bytes of before) await files.upload(APP_ID, { sha256: sha256(bytes), bytes: Readable.from([bytes]) })
    }
    /** What is stored besides what had to be there before. */
    const added = async ({ storage } = store) => {
      const keys = before.map(sha256)
      return (await listedKeys(storage)).filter((key) => !keys.includes(key))
    }
    const receive = (bytes: Buffer) => store.contents.receive(Readable.from([bytes]), { ...as, appId: APP_ID })
    const wishFor = (bytes: ReceivedBytes): NewContent => {
      return { ...named, content: samples.contentOf(bytes) }
    }
    const resolve = (upload: StoredUpload) => store.contents.resolve(APP_ID, wishFor(upload), undefined)
    const offered = ({ files, uploads }: StoredContent) =>
      kind.offered(files, (key) => uploads.find((upload) => upload.sha256 === key)?.facts)
    const keep = async (bytes: Buffer) => {
      const received = await receive(bytes)
      await store.contents.keep(received)
      await db.transaction().execute((tx) => store.contents.own(tx, APP_ID, [received], received))
      await received.discard()
      return received
    }

    /** What comes of bytes: nothing, or the type of the problem. Nothing is left of either. */
    async function refusalOf(bytes: Buffer, limits?: Partial<ContentLimits>): Promise<string | undefined> {
      const used = limits ? await openContentStore(db, limits) : store
      const { contents, spooled } = used
      if (limits) await sendBefore(used)
      try {
        await (await contents.receive(Readable.from([bytes]), { ...as, appId: APP_ID })).discard()
        return undefined
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        expect(error.message).not.toBe('')
        return error.type
      } finally {
        expect(await spooled()).toEqual([])
        expect(await added(used)).toEqual([])
      }
    }

    test('is found under its name', () => {
      expect(contentKind(kind.name)).toBe(kind)
    })

    test('takes what is good, and finds the same of it each time', async () => {
      const [one, two] = [await receive(good), await receive(good)]
      expect(one.kind).toBe(kind.name)
      expect(one.facts).toEqual(two.facts)
      expect(JSON.parse(JSON.stringify(one.facts))).toEqual(one.facts)
      for (const content of [one, two]) await content.discard()
      expect(await store.spooled()).toEqual([])

      const [first, second] = [await resolve(await keep(good)), await resolve(await keep(good))]
      expect(first.files).toEqual(second.files)
      const described = JSON.stringify(describeContent(first, 'https://updates.test'))
      expect(described).toContain(`"sha256":"${digest}","sizeBytes":${good.length}`)
      expect(described).toContain(`"downloadUrl":"https://updates.test/artifacts/${digest}"`)
      expect(kind.digests(offered(first))).toEqual([digest])
    })

    describe('refuses, and keeps nothing of it:', () => {
      test.each(samples.hostile)('$comment', async ({ bytes, limits }) => {
        expect(await refusalOf(bytes, limits)).toBeTypeOf('string')
      })

      test.each(samples.tooMuch)('$comment', async ({ bytes, limits }) => {
        expect(await refusalOf(bytes)).toBeUndefined()
        expect(await refusalOf(bytes, limits)).toBeTypeOf('string')
      })

      test('more bytes than the server takes', async () => {
        expect(await refusalOf(good, { maxBytes: good.length, maxBinaryBytes: good.length })).toBeUndefined()
        expect(await refusalOf(good, { maxBytes: good.length - 1, maxBinaryBytes: good.length - 1 })).toBe(
          'body-too-large',
        )
      })

      test('what is cut off, wherever', async () => {
        const cuts = Array.from({ length: 20 }, (_, index) => Math.floor((good.length * index) / 20))
        for (const cut of [...cuts, good.length - 1]) {
          expect(await refusalOf(good.subarray(0, cut)), `cut at ${cut}`).toBeTypeOf('string')
        }
      })

      test('or takes, but never falls over: good bytes with some changed', async () => {
        const change = fc.tuple(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 }))
        await fc.assert(
          fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
            const bytes = Buffer.from(good)
            for (const [at, by] of changes) bytes[at] = (bytes[at] ?? 0) ^ by
            await refusalOf(bytes)
          }),
          { numRuns: 40 },
        )
      })

      test('what breaks off while it is sent, or whose server stops while it is checked', async () => {
        async function* broken() {
          yield good.subarray(0, 100)
          await Promise.resolve()
          throw new Error('the line is dead')
        }
        await expect(store.contents.receive(broken(), { ...as, appId: APP_ID })).rejects.toThrow('the line is dead')
        const signal = AbortSignal.abort(new Error('stopping'))
        await expect(store.contents.receive(Readable.from([good]), { ...as, signal })).rejects.toThrow('stopping')
        expect([await store.spooled(), await added()]).toEqual([[], []])
      })
    })

    test('bytes whose release never came, as after a crash, are gone after a day, and can come again', async () => {
      const released = await store.keepReleased()
      await store.contents.keep(await receive(good))
      store.wait(2 * DAY_MS)
      expect(await store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })).toBeGreaterThan(0)
      expect(await listedKeys(store.storage)).toEqual([released])
      await sendBefore(store)
      const again = await receive(good)
      await store.contents.keep(again)
      await db.transaction().execute((tx) => store.contents.own(tx, APP_ID, [again], again))
      expect(await store.contents.find(APP_ID, digest, tested.name)).toMatchObject({
        kind: kind.name,
        facts: again.facts,
      })
    })

    describe.skipIf(samples.listed === null)('that devices take file by file', () => {
      const { bytes, files, next, changed } = samples.listed ?? { bytes: good, files: {}, next: good, changed: '' }
      const digests = new Map(Object.entries(files).map(([path, content]) => [path, sha256(content)]))

      test('is unpacked and listed, each file under its digest', async () => {
        const content = await resolve(await keep(bytes))
        const listed = content.files.filter(({ role }) => role === 'asset')
        const expected = Object.entries(files).map(([path, { length }]) => [path, [digests.get(path), length]])
        expect(Object.fromEntries(listed.map((file) => [file.path, [file.sha256, file.size_bytes]]))).toEqual(
          Object.fromEntries(expected),
        )
        for (const [path, whole] of Object.entries(files)) {
          const stored = await store.storage.open(digests.get(path) ?? '')
          expect((await buffer(stored ?? Readable.from([]))).equals(whole)).toBe(true)
        }
        expect(await store.spooled()).toEqual([])
        expect(statedOf(content).artifacts.map((artifact) => artifact.sha256)).toEqual([sha256(bytes)])
      })

      test('has what did not change in common with the next', async () => {
        const earlier = await keep(bytes)
        const keys = new Set([...earlier.files.map((file) => file.sha256), ...keysOf(earlier)])
        const later = await keep(next)
        const news = later.files.filter((file) => !keys.has(file.sha256))
        expect(news.map(({ path }) => path)).toEqual([changed])
        const all = new Set([...keys, ...keysOf(later), ...news.map((file) => file.sha256)])
        expect(new Set([...(await listedKeys(store.storage)), ...all])).toEqual(all)
      })

      test('waits for its release as a whole, and stays as a whole', async () => {
        const uploaded = await store.contents.upload(APP_ID, Readable.from([bytes]), sha256(bytes), as)
        store.wait(DAY_MS - 1)
        const found = await store.contents.find(APP_ID, uploaded.sha256, tested.name)
        expect(found).toMatchObject({ files: uploaded.files, facts: uploaded.facts })
        if (!found) throw new Error('It is gone.')
        await db.transaction().execute((tx) => store.contents.own(tx, APP_ID, [found], undefined))
        store.wait(10 * DAY_MS)
        // What nothing of it needs was there before.
        const needed = new Set([...keysOf(found), ...found.files.map((file) => file.sha256)])
        const unneeded = (await listedKeys(store.storage)).filter((key) => !needed.has(key))
        expect(await store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })).toBe(unneeded.length)
        expect(await store.contents.find(APP_ID, uploaded.sha256, tested.name)).toEqual(found)
      })

      test('that waited for nothing goes as a whole, but for what a release has', async () => {
        const uploaded = await store.contents.upload(APP_ID, Readable.from([bytes]), sha256(bytes), as)
        store.wait(1)
        const kept = await keep(next)
        const keys = await listedKeys(store.storage)
        store.wait(2 * DAY_MS)
        // The content, its list and the one file.
        const gone = new Set([...keysOf(uploaded), digests.get(changed)]).size
        expect(await store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })).toBe(gone)
        expect(await listedKeys(store.storage)).toHaveLength(keys.length - gone)
        expect(await store.contents.find(APP_ID, kept.sha256, tested.name)).toBeDefined()
      })

      test('counts as missing when one of its files was lost', async () => {
        const { sha256: key } = await keep(bytes)
        await store.storage.remove([digests.get(changed) ?? ''])
        expect(await store.contents.find(APP_ID, key, tested.name)).toBeUndefined()
      })

      test('is nothing by itself: a file that is content, too, is known as that when it came as such', async () => {
        await keep(bytes)
        expect(await store.contents.find(APP_ID, digests.get(changed) ?? '', tested.name)).toBeUndefined()
      })
    })

    test('is what its devices can run, or says that it is not', async () => {
      const upload = await keep(good)
      const resolveAs = ({ content, ...wish }: FitSample<New>) =>
        store.contents.resolve(
          APP_ID,
          { ...named, ...wish, content: { ...samples.contentOf(upload), ...content } },
          undefined,
        )
      for (const sample of samples.fits) {
        expect((await resolveAs(sample)).uploads.map((each) => each.sha256)).toEqual([digest])
      }
      for (const sample of samples.unfit) {
        await expect(resolveAs(sample)).rejects.toMatchObject({
          type: expect.stringMatching(/^(content-unfit|invalid-request)$/),
        })
      }
    })

    test('is of the app that sent it: another one is neither told of it nor given it', async () => {
      const upload = await keep(good)
      await insertApp(db, OTHER_APP_ID)
      expect(await store.contents.find(OTHER_APP_ID, digest, tested.name)).toBeUndefined()
      const asked = { sha256: digest, sizeBytes: good.length }
      expect(await store.files.listMissing(OTHER_APP_ID, [asked])).toEqual([asked])
      await expect(store.contents.resolve(OTHER_APP_ID, wishFor(upload), undefined)).rejects.toMatchObject({
        type: 'artifact-missing',
      })
    })

    test('is the very bytes that the publish names, or is not taken', async () => {
      const upload = await keep(good)
      const wrong = { ...upload, sizeBytes: upload.sizeBytes + 1 }
      await expect(store.contents.resolve(APP_ID, wishFor(wrong), undefined)).rejects.toMatchObject({
        type: 'size-mismatch',
      })
      const missing = { ...upload, sha256: 'b'.repeat(64) }
      await expect(store.contents.resolve(APP_ID, wishFor(missing), undefined)).rejects.toMatchObject({
        type: 'artifact-missing',
      })
      // The same bytes, of which nobody has asked whether they are that.
      await db.deleteFrom('artifact_facts').execute()
      await expect(resolve(upload)).rejects.toMatchObject({ type: 'artifact-missing' })
    })

    test('can be stated, signed and offered, before and after it was stored', async () => {
      const content = await resolve(await keep(good))
      const stated = statedOf(content)
      expect(stated.content.kind).toBe(kind.name)
      const text = writeStatement({
        appId: APP_ID,
        platform: 'any',
        target: 'release',
        version: named.version,
        sequence: 1,
        floor: 0,
        requirement: said?.requirement ?? {},
        ...stated,
        createdAt: '2027-01-01T00:00:00.000Z',
      })
      expect(readStatement(text)).toMatchObject(stated)
      expect(offered(content)).toMatchObject({ kind: kind.name })
    })

    test('is served as what it is, under a name that says so', async () => {
      const content = await keep(good)
      const app = Fastify()
      onTestFinished(() => app.close())
      const servedAs = createServedTypes({ db, extensionOf: fileExtensionOf })
      await app.register(artifactRoutes({ storage: store.storage, clock: Date, servedAs }))
      const answer = await app.inject(`/artifacts/${digest}`)
      expect(answer.rawPayload.equals(good)).toBe(true)
      expect(answer.headers).toMatchObject({
        'content-type': kind.contentTypeOf(content.facts),
        'content-disposition': `attachment; filename="${digest}.${samples.fileExtension}"`,
      })
    })
  })
}
