import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { describeOnEveryDatabase } from '@hotpatch/testkit'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { DAY_MS } from '../../ground/clock.ts'
import { openDatabase } from '../../ground/database/open-database.ts'
import type { Database } from '../../ground/database/schema.ts'
import { listedKeys } from '../../ground/storage/testing/storage-driver-suite.ts'
import { findArtifact, findFacts } from '../artifacts/artifact-store.ts'
import { APP_ID, insertApp, openContentStore, type ContentStore } from './testing/open-content-store.ts'
import { writeZip } from '@hotpatch/testkit/archives'

function aZip(content: string | Buffer = 'console.log(1)') {
  return writeZip([{ name: 'index.bundle', content, method: 0 }])
}

const anArtifact = (sha256: string) => ({
  sha256,
  sizeBytes: 1,
  contentType: 'application/zip',
  facts: null,
  awaitsCompression: false,
})

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describeOnEveryDatabase('content', (open) => {
  let db: Database
  let store: ContentStore
  const receive = (bytes: Buffer) => store.contents.receive(Readable.from([bytes]))

  beforeAll(async () => {
    db = await open()
    await insertApp(db)
  })
  beforeEach(async () => {
    await db.deleteFrom('artifact').execute()
    store = await openContentStore(db)
  })

  test('an archive is received, kept and registered', async () => {
    const zip = aZip()
    const upload = await receive(zip)
    expect(upload).toMatchObject({
      sha256: sha256(zip),
      sizeBytes: zip.length,
      facts: { fileCount: 1, unpackedBytes: 14 },
    })
    expect(await store.storage.stat(upload.sha256)).toBeUndefined()
    await store.contents.keep(upload)
    await db.transaction().execute((tx) => store.contents.own(tx, APP_ID, [upload], upload))

    expect(await findArtifact(db, upload.sha256)).toEqual({
      sha256: upload.sha256,
      size_bytes: zip.length,
      content_type: 'application/zip',
      created_at: store.now(),
      kept_until: null,
      awaits_compression: 0,
      awaits_packing: 0,
      bytes_until: null,
    })
    const listed = `${sha256(Buffer.from('console.log(1)'))} 14 index.bundle\n`
    expect(JSON.parse((await findFacts(db, upload.sha256, 'archive')) ?? '')).toEqual({
      kind: 'archive',
      fileCount: 1,
      unpackedBytes: 14,
      rootFiles: ['index.bundle'],
      tree: sha256(Buffer.from(listed)),
      packageHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(await store.spooled()).toEqual([])
  })

  test('the same archive may come again', async () => {
    for (const upload of [await receive(aZip()), await receive(aZip())]) {
      await store.contents.keep(upload)
      await store.contents.own(db, APP_ID, [upload], upload)
    }
    expect(await listedKeys(store.storage)).toHaveLength(1)
  })

  test('a refused archive leaves nothing behind', async () => {
    await expect(receive(Buffer.from('no zip'))).rejects.toMatchObject({ type: 'invalid-archive' })
    expect(await store.spooled()).toEqual([])
    expect(await listedKeys(store.storage)).toEqual([])
  })

  test.each([
    ['another archive', gzipSync('a tar of some length'), 'found gzip, as of a tar.gz. Have it built as a zip.'],
    ['what nobody can tell', Buffer.alloc(100, 'x'), 'it is no zip. A tar.gz or tar.br has to be built as one.'],
    ['a zip that is cut', Buffer.concat([Buffer.from('PK'), Buffer.alloc(100)]), 'no end record: it is cut.'],
  ])('%s is refused with what to do', async (_what, bytes, detail) => {
    await expect(receive(bytes)).rejects.toMatchObject({
      type: 'invalid-archive',
      message: expect.stringContaining(detail),
    })
  })

  test('what is discarded before it was kept is gone, after that it stays', async () => {
    const [discarded, kept] = [await receive(aZip('a')), await receive(aZip('b'))]
    await discarded.discard()
    await store.contents.keep(kept)
    await kept.discard()
    expect(await store.spooled()).toEqual([])
    expect(await listedKeys(store.storage)).toEqual([kept.sha256])
  })

  test('objects without a row are removed when they are old', async () => {
    const [orphan, referenced] = [await receive(aZip('orphan')), await receive(aZip('referenced'))]
    await store.contents.keep(orphan)
    await store.contents.keep(referenced)
    await store.contents.own(db, APP_ID, [referenced], referenced)
    store.wait(DAY_MS)
    const recent = await receive(aZip('recent'))
    await store.contents.keep(recent)
    store.wait(1)

    expect(await store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })).toBe(1)
    expect(await listedKeys(store.storage)).toEqual([referenced.sha256, recent.sha256].sort())
  })

  test('an orphan that is uploaded again is spared, also when its row comes after the sweep', async () => {
    await store.contents.keep(await receive(aZip()))
    store.wait(10 * DAY_MS)
    const again = await receive(aZip())
    await store.contents.keep(again)
    expect(await store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })).toBe(0)
    await store.contents.own(db, APP_ID, [again], again)
    expect(await store.storage.stat(again.sha256)).toBeDefined()
  })

  describe('an archive that comes before its release', () => {
    const upload = async (zip: Buffer, name = sha256(zip)) => {
      const { kind, sha256, sizeBytes, facts, files } = await store.contents.upload(APP_ID, Readable.from([zip]), name)
      return { kind, sha256, sizeBytes, facts, files }
    }

    test('is there, and waits for a day', async () => {
      const zip = aZip()
      expect(await store.contents.find(APP_ID, sha256(zip))).toBeUndefined()
      const content = await upload(zip)
      expect(content).toMatchObject({ sha256: sha256(zip), sizeBytes: zip.length, facts: { fileCount: 1 } })
      expect(await store.contents.find(APP_ID, content.sha256)).toEqual(content)
      expect(await store.spooled()).toEqual([])
      await store.keepReleased()

      store.wait(DAY_MS - 1)
      expect(await store.artifacts.sweepOrphans({ olderThanMs: 0 })).toBe(0)
      store.wait(2)
      expect(await store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })).toBe(1)
      expect(await store.contents.find(APP_ID, content.sha256)).toBeUndefined()
      await expect(store.artifacts.claim(db, [content.sha256])).rejects.toMatchObject({ type: 'artifact-missing' })
    })

    test('stays when its release has come, also when it is uploaded once more', async () => {
      const content = await upload(aZip())
      await store.contents.own(db, APP_ID, [content], undefined)
      await upload(aZip())
      store.wait(10 * DAY_MS)
      expect(await store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })).toBe(0)
      expect(await store.contents.find(APP_ID, content.sha256)).toEqual(content)
    })

    test('waits anew when it is uploaded once more', async () => {
      const content = await upload(aZip())
      store.wait(DAY_MS - 1)
      await upload(aZip())
      store.wait(DAY_MS - 1)
      await store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })
      expect(await store.contents.find(APP_ID, content.sha256)).toEqual(content)
    })

    test('is what it was announced as, or refused', async () => {
      await expect(upload(aZip(), 'a'.repeat(64))).rejects.toMatchObject({ type: 'hash-mismatch' })
      await expect(upload(Buffer.from('no zip'))).rejects.toMatchObject({ type: 'invalid-archive' })
      expect([await store.spooled(), await listedKeys(store.storage)]).toEqual([[], []])
    })

    test('counts as missing when its bytes were lost', async () => {
      const content = await upload(aZip())
      await store.storage.remove([content.sha256])
      expect(await store.contents.find(APP_ID, content.sha256)).toBeUndefined()
    })
  })

  test('a sweep removes nothing from a storage that is of another database, or may be', async () => {
    await store.contents.keep(await receive(aZip()))
    store.wait(2 * DAY_MS)
    expect(await store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })).toBe(0)
    await store.artifacts.register(db, [anArtifact(sha256(Buffer.from('elsewhere')))])
    await expect(store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })).rejects.toThrow('of another server')
    expect(await listedKeys(store.storage)).toHaveLength(1)
  })

  test('a sweep goes through more objects than one question to the database holds', async () => {
    const keys = Array.from({ length: 1200 }, (_, index) => sha256(Buffer.from(String(index))))
    const removed: string[] = []
    const service = store.withStorage({
      async *list() {
        for (const key of keys) yield { key, sizeBytes: 1, modifiedAt: new Date(0) }
      },
      stat: async () => ({ sizeBytes: 1, modifiedAt: new Date(0) }),
      remove: async (batch) => void removed.push(...batch),
    })
    const referenced = [keys[0], keys[600], keys[1199]] as string[]
    for (const key of referenced) {
      await service.register(db, [anArtifact(key)])
    }
    expect(await service.sweepOrphans({ olderThanMs: DAY_MS })).toBe(1197)
    expect(removed).toEqual(keys.filter((key) => !referenced.includes(key)))
  })
})

test('a sweep whose database does not answer removes nothing', async () => {
  const db = openDatabase({ kind: 'sqlite', path: ':memory:' }) // without tables
  onTestFinished(() => db.destroy())
  const store = await openContentStore(db)
  await store.contents.keep(await store.contents.receive(Readable.from([aZip()])))
  store.wait(2 * DAY_MS)
  await expect(store.artifacts.sweepOrphans({ olderThanMs: DAY_MS })).rejects.toThrow('artifact')
  expect(await listedKeys(store.storage)).toHaveLength(1)
})
