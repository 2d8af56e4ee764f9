import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { App, ReleaseComparison, ReleaseEntries, ReleaseForms } from '@hotpatch/api'
import {
  allIsMade,
  describeOnEveryDatabase,
  problemOf,
  publishBinary,
  publishFiles,
  startTestServer,
  zipOf,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'

describeOnEveryDatabase('what is in releases', (openDatabase) => {
  let db: Database
  let server: TestServer
  let app: App
  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db, env: { HOTPATCH_PATCH_BASES: '1' } })
    app = await server.createTestApp({ platforms: ['android', 'linux'] })
  })
  afterAll(() => server.close())

  const ask = async <Answer>(path: string): Promise<Answer> => {
    const { status, body } = await server.request('GET', `/manage/v1${path}`)
    expect([status, body]).toEqual([200, body])
    return body as Answer
  }
  const entriesOf = (id: string, query = '') => ask<ReleaseEntries>(`/releases/${id}/entries${query}`)
  const comparisonOf = (id: string, query = '') => ask<ReleaseComparison>(`/releases/${id}/comparison${query}`)
  const archive = async (version: string, files: Record<string, string>, more: object = {}) =>
    (await server.published(app, { version, bundle: await zipOf(files), ...more })).releaseId

  describe('archives', () => {
    let first: string
    let second: string
    beforeAll(async () => {
      const logo = 'logo'.repeat(500)
      first = await archive('1.0.0', { 'index.android.bundle': 'one', 'assets/logo.png': logo, 'assets/old.png': 'o' })
      second = await archive(
        '1.1.0',
        { 'index.android.bundle': 'two!', 'assets/logo.png': logo, 'assets/NEW.png': 'new' },
        { runtimeVersion: '7' },
      )
    })

    test('are listed file by file, as their directory tells', async () => {
      const { items, ...rest } = await entriesOf(second)
      expect(rest).toEqual({ isReadable: true, total: { files: 3, sizeBytes: 2007 }, matching: 3, nextCursor: null })
      expect(items.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([
        ['assets/NEW.png', 3],
        ['assets/logo.png', 2000],
        ['index.android.bundle', 4],
      ])
      expect(items[1]?.packedBytes).toBeLessThan(200)
    })

    test('are searched, and sorted by size, a page at a time', async () => {
      expect((await entriesOf(second, '?search=new')).items.map(({ path }) => path)).toEqual(['assets/NEW.png'])
      const page = await entriesOf(second, '?order=size&limit=2')
      expect(page.items.map(({ path }) => path)).toEqual(['assets/logo.png', 'index.android.bundle'])
      const rest = await entriesOf(second, `?order=size&limit=2&cursor=${page.nextCursor}`)
      expect([rest.items.map(({ path }) => path), rest.nextCursor]).toEqual([['assets/NEW.png'], null])
      const wrong = await server.request('GET', `/manage/v1/releases/${second}/entries?cursor=xyz`)
      expect(problemOf(wrong)).toBe('400 invalid-request')
    })

    test('are compared with the one before, by what its files are and not by when it was zipped', async () => {
      expect(await comparisonOf(second)).toMatchObject({
        before: { id: first, version: '1.0.0' },
        isReadable: true,
        files: { added: 1, removed: 1, changed: 1, same: 1 },
        fileBytes: { before: 2004, after: 2007 },
        requirement: [{ field: 'runtimeVersion', before: null, after: '7' }],
        items: [
          { path: 'assets/NEW.png', change: 'added', beforeBytes: null, afterBytes: 3 },
          { path: 'assets/old.png', change: 'removed', beforeBytes: 1, afterBytes: null },
          { path: 'index.android.bundle', change: 'changed', beforeBytes: 3, afterBytes: 4 },
        ],
      })
      expect((await comparisonOf(second, '?change=added')).items.map(({ path }) => path)).toEqual(['assets/NEW.png'])
    })

    test('of which one is the first have nothing before them', async () => {
      expect(await comparisonOf(first)).toMatchObject({ before: null, files: { added: 3, removed: 0, changed: 0 } })
    })

    test('are compared with any other of their kind, and with none of another app', async () => {
      const other = await server.createTestApp()
      const bundle = await zipOf({ 'index.android.bundle': 'x' })
      const { releaseId } = await server.published(other, { bundle })
      expect(await comparisonOf(first, `?with=${second}`)).toMatchObject({
        files: { added: 1, removed: 1, changed: 1 },
      })
      for (const path of [`/releases/${first}/comparison?with=${releaseId}`, `/releases/${other.id}/entries`]) {
        expect(problemOf(await server.request('GET', `/manage/v1${path}`))).toBe('404 release-not-found')
      }
    })

    test('of which the bytes are lost say so', async () => {
      const lost = await server.published(app, {
        version: '1.2.0',
        bundle: await zipOf({ 'index.android.bundle': 'l' }),
      })
      const { sha256 } = lost.content
      await rm(join(server.directory, 'artifacts', sha256.slice(0, 2), sha256))
      expect((await entriesOf(lost.releaseId)).isReadable).toBe(false)
      expect(await comparisonOf(lost.releaseId)).toMatchObject({ isReadable: false, items: [], files: { same: 0 } })
    })

    test('have their smaller forms told, once they are made', async () => {
      const bundle = await zipOf({
        'index.android.bundle': Array.from({ length: 4_000 }, (_, index) => `var v${index} = ${index};`).join('\n'),
      })
      const { releaseId } = await server.published(app, { version: '1.3.0', bundle })
      await allIsMade(db)
      const { items } = await ask<ReleaseForms>(`/releases/${releaseId}/forms`)
      const [packed] = items
      expect(items).toEqual([
        { algorithm: 'hpdelta1-br', isPacked: true, files: 1, sizeBytes: expect.any(Number), fullBytes: bundle.length },
      ])
      expect(packed?.sizeBytes).toBeLessThan(bundle.length)
    })
  })

  test('files are compared by their digests', async () => {
    const files = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`assets/${index}.txt`, `${index}`]))
    const before = await publishFiles(server, app, { files, platform: 'android', version: '2.0.0' })
    const changed = { ...files, 'assets/7.txt': '8' }
    const after = await publishFiles(server, app, { files: changed, platform: 'android', version: '2.1.0' })
    expect(await comparisonOf(after.releaseId)).toMatchObject({
      before: { id: before.releaseId },
      files: { added: 0, removed: 0, changed: 1, same: 29 },
      items: [{ path: 'assets/7.txt', change: 'changed' }],
    })
    expect((await entriesOf(after.releaseId)).total.files).toBe(30)
    const other = `/manage/v1/releases/${after.releaseId}/comparison`
    const archives = await ask<{ items: { id: string }[] }>(`/apps/${app.slug}/releases?kind=archive`)
    const answer = await server.request('GET', `${other}?with=${archives.items[0]?.id}`)
    expect(problemOf(answer)).toBe('400 invalid-request')
  })

  test('binaries are compared by the machines that they are for', async () => {
    const file = (name: string, architecture: string, content: string) => ({
      name,
      architecture,
      bytes: Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0x41, 0x49, 2]), Buffer.from(content)]),
    })
    await publishBinary(server, app, {
      platform: 'linux',
      version: '1.0.0',
      files: [file('shop-1.0.0.AppImage', 'x64', 'a'), file('shop-1.0.0-arm.AppImage', 'arm64', 'b')],
    })
    const { releaseId } = await publishBinary(server, app, {
      platform: 'linux',
      version: '1.1.0',
      files: [file('shop-1.1.0.AppImage', 'x64', 'a and more')],
    })
    expect((await comparisonOf(releaseId)).items).toEqual([
      { path: 'linux/arm64/appimage', change: 'removed', beforeBytes: 12, afterBytes: null },
      { path: 'linux/x64/appimage', change: 'changed', beforeBytes: 12, afterBytes: 21 },
    ])
    expect((await entriesOf(releaseId, '?search=1.1.0')).items).toMatchObject([{ name: 'shop-1.1.0.AppImage' }])
  })

  test('nobody looks into the releases of an app that is not his', async () => {
    const other = await server.createTestApp()
    const token = await server.createToken({ role: 'reader', app: other.slug })
    const { items } = await ask<{ items: { id: string }[] }>(`/apps/${app.slug}/releases`)
    for (const part of ['entries', 'comparison', 'forms']) {
      const answer = await server.request('GET', `/manage/v1/releases/${items[0]?.id}/${part}`, { token })
      expect(problemOf(answer)).toBe('403 forbidden')
    }
  })
})
