import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { Problem, readReleaseStatement, writeReleaseStatement } from '@hotpatch/protocol'
import { describeOnEveryDatabase } from '@hotpatch/testkit'
import fc from 'fast-check'
import Fastify from 'fastify'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Database } from '../../../ground/database/schema.ts'
import { DAY_MS } from '../../../ground/clock.ts'
import { listedKeys } from '../../../ground/storage/testing/storage-driver-suite.ts'
import { artifactRoutes } from '../../artifacts/artifact-routes.ts'
import { createServedTypes } from '../../artifacts/served-types.ts'
import type { ContentLimits, ContentWish } from '../content-kind.ts'
import { describeContent, statedOf } from '../content-service.ts'
import { contentKind, fileExtensionOf, type ServedKind } from '../kinds.ts'
import { openContentStore, type ContentStore } from './open-content-store.ts'

export interface ContentKindSamples {
  /** What is taken, of a few hundred bytes or more. */
  good: Buffer
  /** What is refused, whoever sends it. */
  hostile: readonly { comment: string; bytes: Buffer; limits?: Partial<ContentLimits> }[]
  /** What is harmless, and more than such limits allow. */
  tooMuch: readonly { comment: string; bytes: Buffer; limits: Partial<ContentLimits> }[]
  /** Of `good`: what devices can run, and what they cannot. */
  fits: readonly ContentWish[]
  unfit: readonly ContentWish[]
}

/** What every kind of content must do on the server, Content §1. */
export function describeContentKind(kind: ServedKind, samples: ContentKindSamples): void {
  const { good } = samples
  const digest = createHash('sha256').update(good).digest('hex')

  describeOnEveryDatabase(`content: ${kind.name}`, (open) => {
    let db: Database
    let store: ContentStore
    beforeAll(async () => void (db = await open()))
    beforeEach(async () => {
      await db.deleteFrom('artifact').execute()
      store = await openContentStore(db)
    })
    const receive = (bytes: Buffer) => store.contents.receive(Readable.from([bytes]), { kind })

    /** What comes of bytes: nothing, or the type of the problem. Nothing is left of either. */
    async function refusalOf(bytes: Buffer, limits?: Partial<ContentLimits>): Promise<string | undefined> {
      const { contents, spooled, storage } = limits ? await openContentStore(db, limits) : store
      try {
        await (await contents.receive(Readable.from([bytes]), { kind })).discard()
        return undefined
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        expect(error.message).not.toBe('')
        return error.type
      } finally {
        expect(await spooled()).toEqual([])
        expect(await listedKeys(storage)).toEqual([])
      }
    }

    test('is found under its name', () => {
      expect(contentKind(kind.name)).toBe(kind)
      expect(fileExtensionOf(kind.contentType)).toBe(kind.fileExtension)
    })

    test('takes what is good, and finds the same of it each time', async () => {
      const [one, two] = [await receive(good), await receive(good)]
      expect(one.kind).toBe(kind.name)
      expect(one.facts).toEqual(two.facts)
      expect(JSON.parse(JSON.stringify(one.facts))).toEqual(one.facts)
      expect(kind.filesOf(one)).toEqual(kind.filesOf(two))
      expect(describeContent(one)).toMatchObject({ sha256: digest, sizeBytes: good.length })
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
        expect(await refusalOf(good, { maxBytes: good.length })).toBeUndefined()
        expect(await refusalOf(good, { maxBytes: good.length - 1 })).toBe('body-too-large')
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
        await expect(store.contents.receive(broken(), { kind })).rejects.toThrow('the line is dead')
        const signal = AbortSignal.abort(new Error('stopping'))
        await expect(store.contents.receive(Readable.from([good]), { kind, signal })).rejects.toThrow('stopping')
        expect([await store.spooled(), await listedKeys(store.storage)]).toEqual([[], []])
      })
    })

    test('bytes whose release never came, as after a crash, are gone after a day, and can come again', async () => {
      await store.artifacts.keep(await receive(good))
      store.wait(2 * DAY_MS)
      expect(await store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })).toBe(1)
      const again = await receive(good)
      await store.artifacts.keep(again)
      await db.transaction().execute((tx) => store.contents.own(tx, again, again))
      expect(await store.contents.find(digest)).toMatchObject({ kind: kind.name, facts: again.facts })
    })

    test('is what its devices can run, or says that it is not', async () => {
      const content = await receive(good)
      const resolve = (wish: ContentWish) => store.contents.resolve({ version: '1.0.0', ...wish }, content)
      for (const wish of samples.fits) expect(await resolve(wish)).toBe(content)
      for (const wish of samples.unfit) await expect(resolve(wish)).rejects.toMatchObject({ type: 'content-unfit' })
    })

    test('can be stated, signed and offered', async () => {
      const content = await receive(good)
      const stated = statedOf(content)
      expect(stated.content.kind).toBe(kind.name)
      const text = writeReleaseStatement({
        appId: 'app',
        platform: 'any',
        target: 'release',
        version: '1.0.0',
        sequence: 1,
        floor: 0,
        requirement: {},
        ...stated,
        createdAt: '2027-01-01T00:00:00.000Z',
      })
      expect(readReleaseStatement(text)).toMatchObject(stated)
      expect(kind.offered(kind.filesOf(content))).toMatchObject({ kind: kind.name })
    })

    test('is served as what it is, under a name that says so', async () => {
      const content = await receive(good)
      await store.artifacts.keep(content)
      await store.contents.own(db, content, content)
      const app = Fastify()
      onTestFinished(() => app.close())
      const servedAs = createServedTypes({ db, extensionOf: fileExtensionOf })
      await app.register(artifactRoutes({ storage: store.storage, servedAs }))
      const answer = await app.inject(`/artifacts/${digest}`)
      expect(answer.rawPayload.equals(good)).toBe(true)
      expect(answer.headers).toMatchObject({
        'content-type': kind.contentType,
        'content-disposition': `attachment; filename="${digest}.${kind.fileExtension}"`,
      })
    })
  })
}
