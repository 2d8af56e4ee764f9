import { randomBytes } from 'node:crypto'
import type { App, PublishedRelease } from '@hotpatch/api'
import {
  batchOf,
  describeOnEveryDatabase,
  filesManifestOf,
  newSigningKey,
  problemOf,
  publishFiles,
  sha256Of,
  signStatement,
  startTestServer,
  type FilesByPath,
  type TestServer,
} from '@hotpatch/testkit'
import { writeReleaseStatement } from '@hotpatch/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DAY_MS } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'

const text = (content: string | Uint8Array) => Buffer.from(content)
const sizedOf = (bytes: Buffer) => ({ sha256: sha256Of(bytes), sizeBytes: bytes.length })
const BYTES = { 'content-type': 'application/octet-stream' }

describeOnEveryDatabase('releases of files', (openDatabase) => {
  let db: Database
  let server: TestServer
  let app: App
  let other: App
  let now = Date.UTC(2027, 0, 1)
  let site = ''
  beforeAll(async () => {
    db = await openDatabase()
    const env = { HOTPATCH_MAX_BUNDLE_BYTES: '200000', HOTPATCH_MAX_BUNDLE_FILES: '50' }
    server = await startTestServer({ database: db, clock: { now: () => now }, env })
    app = await server.createTestApp()
    other = await server.createTestApp()
    site = `/manage/v1/apps/${app.slug}`
  })
  afterAll(() => server.close())

  const missing = async (files: readonly Buffer[], of = app) => {
    const body = { files: files.map(sizedOf) }
    const answer = await server.request('POST', `/manage/v1/apps/${of.slug}/artifacts/missing`, { body })
    expect(answer.status).toBe(200)
    return answer.body.missing.map((file: { sha256: string }) => file.sha256)
  }
  const batch = (files: readonly Buffer[], of = app) =>
    server.request('POST', `/manage/v1/apps/${of.slug}/artifacts/batch`, { form: batchOf(files) })
  const put = (bytes: Buffer, kind: string, sha256 = sha256Of(bytes), of = app) =>
    server.request('PUT', `/manage/v1/apps/${of.slug}/artifacts/${sha256}?kind=${kind}`, {
      body: bytes,
      headers: BYTES,
    })
  const commit = (manifest: Buffer, metadata: object, of = app) =>
    server.request('POST', `/manage/v1/apps/${of.slug}/releases`, {
      body: { metadata: { platform: 'android', content: { kind: 'files', ...sizedOf(manifest) }, ...metadata } },
    })
  const releases = async () => (await server.request('GET', `${site}/releases?limit=200`)).body.items.length

  test('send only what is missing, and are what they list', async () => {
    const files: FilesByPath = { 'main.js': 'start()', 'assets/logo.png': randomBytes(500), 'assets/a.txt': 'a' }
    const sent = Object.values(files).map(text)
    expect(await missing([...sent, ...sent])).toEqual(sent.map(sha256Of))
    expect((await put(text(files['main.js'] ?? ''), 'asset')).body).toEqual({
      kind: 'asset',
      ...sizedOf(text('start()')),
    })
    expect(await missing(sent)).toEqual(sent.slice(1).map(sha256Of))
    const received = await batch(sent.slice(1))
    expect([received.status, received.body]).toEqual([200, { received: sent.slice(1).map(sizedOf) }])
    expect(await missing(sent)).toEqual([])

    const manifest = filesManifestOf(files, { launch: 'main.js', types: { 'assets/logo.png': 'image/png' } })
    const listed = await put(manifest, 'files')
    const content = {
      kind: 'files',
      ...sizedOf(manifest),
      fileCount: 3,
      totalBytes: 508,
      launch: 'main.js',
      downloadUrl: expect.stringContaining(`/artifacts/${sha256Of(manifest)}`),
    }
    expect(listed.body).toEqual(content)
    const { status, body } = await commit(manifest, { version: '1.0.0' })
    expect([status, body.content]).toEqual([201, content])
    expect((await commit(manifest, { version: '1.0.0' })).status).toBe(200)

    const release = await server.request('GET', `/manage/v1/releases/${body.releaseId}`)
    expect(release.body.content).toEqual(content)
    const first = await server.request('GET', `/manage/v1/releases/${body.releaseId}/files?limit=2`)
    const second = await server.request(
      'GET',
      `/manage/v1/releases/${body.releaseId}/files?limit=2&cursor=${first.body.nextCursor}`,
    )
    const shown = [...first.body.items, ...second.body.items]
    expect(shown.map(({ path, contentType }) => [path, contentType])).toEqual([
      ['assets/a.txt', 'application/octet-stream'],
      ['assets/logo.png', 'image/png'],
      ['main.js', 'application/octet-stream'],
    ])
    expect(second.body.nextCursor).toBeNull()
    for (const { path, sha256, sizeBytes } of shown) {
      const { rawPayload } = await server.app.http.inject(`/artifacts/${sha256}`)
      expect(rawPayload.equals(text(files[path] ?? '')) && rawPayload.length === sizeBytes).toBe(true)
    }
  })

  test('share what did not change', async () => {
    const same = randomBytes(300).toString('hex')
    const one = await publishFiles(server, app, { platform: 'ios', version: '1.0.0', files: { a: same, b: 'one' } })
    const two = { a: same, b: 'two' }
    expect(await missing(Object.values(two).map(text))).toEqual([sha256Of(text('two'))])
    await publishFiles(server, app, { platform: 'ios', version: '1.0.1', files: two })
    const rows = await db
      .selectFrom('release_file')
      .select('release_id')
      .where('sha256', '=', sha256Of(text(same)))
      .execute()
    expect(rows).toHaveLength(2)
    expect(rows.map((row) => row.release_id)).toContain(one.releaseId)
  })

  test('are signed by their statement, as every release is', async () => {
    const key = newSigningKey()
    const own = await server.createTestApp()
    const place = `/manage/v1/apps/${own.slug}`
    const files = { 'main.js': 'signed' }
    const manifest = filesManifestOf(files)
    await batch([text('signed')], own)
    await put(manifest, 'files', sha256Of(manifest), own)
    const sequence = (await server.request('GET', `${place}/sequence?platform=android`)).body.nextSequence as number
    const statement = writeReleaseStatement({
      appId: own.id,
      platform: 'android' as const,
      target: 'release' as const,
      version: '2.0.0',
      sequence,
      floor: 0,
      requirement: {},
      content: { kind: 'files' as const },
      artifacts: [{ name: 'files.json', ...sizedOf(manifest) }],
      createdAt: new Date(now).toISOString(),
    })
    const signed = signStatement(key, statement)
    const metadata = { platform: 'android', version: '2.0.0', content: { kind: 'files', ...sizedOf(manifest) } }
    const answer = await server.request('POST', `${place}/releases`, {
      body: { metadata, ...signed, publicKey: key.publicKey },
    })
    expect(answer.body).toMatchObject({ keyRegistered: true, sequence })
  })

  describe('are refused, and nothing is published, when', () => {
    const half = filesManifestOf({ here: 'here', gone: 'never sent' })
    test.each<[string, () => Promise<unknown>, string]>([
      ['a file was not sent', () => put(half, 'files'), '409 artifact-missing'],
      ['the list was not sent', () => commit(half, { version: '9.0.0' }), '409 artifact-missing'],
      ['the list is none', () => put(Buffer.from('{"type":"x"}'), 'files'), '400 invalid-request'],
      [
        'the list is of another digest',
        () => put(filesManifestOf({ here: 'here' }), 'files', 'a'.repeat(64)),
        '422 hash-mismatch',
      ],
      ['a file is of another digest', () => put(Buffer.from('x'), 'asset', 'a'.repeat(64)), '422 hash-mismatch'],
      ['a file is too large', () => put(randomBytes(200_001), 'asset'), '413 body-too-large'],
      [
        'the list comes along',
        () => server.publish(app, { version: '9.0.1', bundle: half, content: { kind: 'files', ...sizedOf(half) } }),
        '422 invalid-archive',
      ],
    ])('%s', async (_when, act, expected) => {
      await put(text('here'), 'asset')
      const before = await releases()
      expect(problemOf((await act()) as never)).toBe(expected)
      expect(await releases()).toBe(before)
    })

    test('too many files are listed', async () => {
      const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`f${index}`, 'same']))
      await batch([text('same')])
      const answer = await put(filesManifestOf(many), 'files')
      expect([problemOf(answer), answer.body.detail]).toEqual(['413 body-too-large', expect.stringContaining('51')])
    })
  })

  describe('a batch', () => {
    test('keeps what came before the one that is not what it says', async () => {
      const [good, after] = [randomBytes(40), randomBytes(41)]
      const form = batchOf([good])
      form.append(sha256Of(after), new Blob(['something else']), 'file')
      const answer = await server.request('POST', `${site}/artifacts/batch`, { form })
      expect(problemOf(answer)).toBe('422 hash-mismatch')
      expect(await missing([good, after])).toEqual([sha256Of(after)])
    })

    test('keeps what had arrived when it breaks off', async () => {
      const files = [randomBytes(3_000), randomBytes(3_000), randomBytes(3_000)]
      const encoded = new Response(batchOf(files))
      const whole = Buffer.from(await encoded.arrayBuffer())
      const answer = await server.request('POST', `${site}/artifacts/batch`, {
        body: whole.subarray(0, 8_000),
        headers: { 'content-type': encoded.headers.get('content-type') ?? '' },
      })
      expect(problemOf(answer)).toBe('400 invalid-request')
      expect(await missing(files)).toEqual(files.slice(2).map(sha256Of))
    })

    test.each<[string, () => object, string]>([
      ['without files', () => ({ form: new FormData() }), '200'],
      ['that is no form', () => ({ body: Buffer.from('x'), headers: BYTES }), '415 unsupported-media-type'],
      [
        'of fields',
        () => {
          const form = new FormData()
          form.append('a'.repeat(64), 'x')
          return { form }
        },
        '400 invalid-request',
      ],
      [
        'under other names',
        () => {
          const form = new FormData()
          form.append('main.js', new Blob(['x']), 'main.js')
          return { form }
        },
        '400 invalid-request',
      ],
      [
        'of too many',
        () => ({ form: batchOf(Array.from({ length: 1_001 }, (_, index) => text(`${index}`))) }),
        '400 invalid-request',
      ],
    ])('%s', async (_what, given, expected) => {
      const answer = await server.request('POST', `${site}/artifacts/batch`, given())
      if (expected === '200') expect([answer.status, answer.body]).toEqual([200, { received: [] }])
      else expect(problemOf(answer)).toBe(expected)
    })
  })

  describe('what another app has', () => {
    test('is neither told nor given by its digest alone', async () => {
      const secret = randomBytes(700)
      const manifest = filesManifestOf({ secret })
      const published: PublishedRelease = await publishFiles(server, other, {
        platform: 'android',
        version: '1.0.0',
        files: { secret },
      })
      expect(published.content).toMatchObject({ sha256: sha256Of(manifest) })
      expect(await missing([secret, manifest])).toEqual([sha256Of(secret), sha256Of(manifest)])
      const asked = await server.request('GET', `${site}/artifacts/${sha256Of(manifest)}?kind=files`)
      expect(problemOf(asked)).toBe('404 artifact-not-found')
      expect(problemOf(await commit(manifest, { version: '3.0.0' }))).toBe('409 artifact-missing')
      // The list alone shows nothing: whoever has one knows digests.
      expect(problemOf(await put(manifest, 'files'))).toBe('409 artifact-missing')
      expect((await put(secret, 'asset')).status).toBe(200)
      expect((await put(manifest, 'files')).status).toBe(200)
      expect((await commit(manifest, { version: '3.0.0' })).status).toBe(201)
    })

    test('nor asked for with a token of another app', async () => {
      const token = await server.createToken({ app: other.slug, role: 'owner' })
      for (const path of ['missing', 'batch']) {
        const answer = await server.request('POST', `${site}/artifacts/${path}`, { token, body: { files: [] } })
        expect([403, 404]).toContain(answer.status)
      }
    })
  })

  test('what was sent waits a day, and longer when it is asked for again', async () => {
    const [asked, forgotten] = [randomBytes(50), randomBytes(51)]
    await batch([asked, forgotten])
    now += DAY_MS - 1
    expect(await missing([asked])).toEqual([])
    now += DAY_MS - 1
    await db.deleteFrom('artifact').where('kept_until', '<=', now).execute()
    expect(await missing([asked, forgotten])).toEqual([sha256Of(forgotten)])
  })

  test.each<[string, object]>([
    ['no list', {}],
    ['a digest that is none', { files: [{ sha256: 'A'.repeat(64), sizeBytes: 1 }] }],
    ['a size below nothing', { files: [{ sha256: 'a'.repeat(64), sizeBytes: -1 }] }],
    ['too many', { files: Array.from({ length: 20_001 }, () => ({ sha256: 'a'.repeat(64), sizeBytes: 1 })) }],
  ])('what is missing is not asked with %s', async (_what, body) => {
    expect(problemOf(await server.request('POST', `${site}/artifacts/missing`, { body }))).toBe('400 invalid-request')
  })
})
