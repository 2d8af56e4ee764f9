import type { App, Downloads } from '@hotpatch/api'
import { bundleOf, describeOnEveryDatabase, sha256Of, startTestServer, type TestServer, zipOf } from '@hotpatch/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'

const script = 'console.log("hello")\n'.repeat(1_000)

describeOnEveryDatabase('the files of a web bundle', (openDatabase) => {
  let db: Database
  let server: TestServer
  let app: App

  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db })
    app = await server.createTestApp()
  })
  afterAll(() => server.close())

  const webBundle = (page: string) => zipOf({ 'index.html': page, 'assets/app.js': script, 'assets/same.js': script })
  const filesOf = (releaseId: string) =>
    db
      .selectFrom('release_file')
      .select(['path', 'role', 'sha256', 'size_bytes', 'content_type'])
      .where('release_id', '=', releaseId)
      .orderBy('path')
      .execute()

  test('are listed and served one by one', async () => {
    const bundle = await webBundle('<p>1</p>')
    const { releaseId, content } = await server.published(app, {
      bundle,
      version: '1.0.0',
      content: { kind: 'archive', entry: 'index.html' },
    })
    expect(content.fileCount).toBe(3)
    const js = { role: 'asset', sha256: sha256Of(Buffer.from(script)), size_bytes: 21_000 }
    expect(await filesOf(releaseId)).toEqual([
      { path: 'assets/app.js', ...js, content_type: 'text/javascript; charset=utf-8' },
      { path: 'assets/same.js', ...js, content_type: 'text/javascript; charset=utf-8' },
      {
        path: 'bundle.zip',
        role: 'archive',
        sha256: sha256Of(bundle),
        size_bytes: bundle.length,
        content_type: 'application/zip',
      },
      {
        path: 'index.html',
        role: 'asset',
        sha256: sha256Of(Buffer.from('<p>1</p>')),
        size_bytes: 8,
        content_type: 'text/html; charset=utf-8',
      },
    ])
    const answer = await server.request('GET', `/artifacts/${js.sha256}?release=${releaseId}`, { token: null })
    expect(answer.body).toBe(script)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${js.sha256}.bin"`,
    })
  })

  test('are the same when the archive came before its release', async () => {
    const bundle = await webBundle('<p>2</p>')
    const sha256 = sha256Of(bundle)
    const upload = await server.request('PUT', `/manage/v1/apps/${app.slug}/artifacts/${sha256}`, {
      body: bundle,
      headers: { 'content-type': 'application/zip' },
    })
    expect(upload).toMatchObject({ status: 200, body: { sha256, fileCount: 3 } })
    const form = new FormData()
    form.set('metadata', JSON.stringify({ platform: 'ios', version: '2.0.0', content: { kind: 'archive', sha256 } }))
    const { status, body } = await server.request('POST', `/manage/v1/apps/${app.slug}/releases`, { body: form })
    expect(status).toBe(201)
    const { releaseId } = body as { releaseId: string }
    expect((await filesOf(releaseId)).map(({ path }) => path)).toEqual([
      'assets/app.js',
      'assets/same.js',
      'bundle.zip',
      'index.html',
    ])
    const waiting = await db.selectFrom('artifact').select('sha256').where('kept_until', 'is not', null).execute()
    expect(waiting).toEqual([])
  })

  test('count as bytes of the release and not as downloads, and are no part of its size', async () => {
    const bundle = await webBundle('<p>3</p>')
    const { releaseId } = await server.published(app, { bundle, version: '3.0.0' })
    const files = new Map((await filesOf(releaseId)).map((file) => [file.sha256, file.size_bytes]))
    for (const sha256 of files.keys()) {
      await server.request('GET', `/artifacts/${sha256}?release=${releaseId}`, { token: null })
    }
    // A preflight waits until all that is buffered is written.
    await server.request('POST', `/manage/v1/apps/${app.slug}/releases/preflight`, {
      body: { platform: 'android', version: '9.0.0' },
    })
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/insights/downloads`)
    const { releases } = body as Downloads
    expect(releases.filter((release) => release.releaseId === releaseId)).toMatchObject([
      {
        downloads: 1,
        sizeBytes: bundle.length,
        sentBytes: [...files.values()].reduce((sum, sizeBytes) => sum + sizeBytes, 0),
      },
    ])
  })

  test('of a React Native bundle are not listed: no client takes it file by file', async () => {
    const { releaseId } = await server.published(app, { bundle: await bundleOf('1'), version: '4.0.0' })
    expect((await filesOf(releaseId)).map(({ role }) => role)).toEqual(['archive'])
  })
})
