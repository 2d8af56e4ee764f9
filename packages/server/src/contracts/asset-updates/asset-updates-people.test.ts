import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { App } from '@hotpatch/api'
import {
  batchOf,
  describeOnEveryDatabase,
  filesManifestOf,
  problemOf,
  sha256Of,
  startTestServer,
  type FilesByPath,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'

const BASE = '/api/v1'
const logo = randomBytes(300)

describeOnEveryDatabase('the contract of asset updates', (openDatabase) => {
  let db: Database
  let server: TestServer
  let app: App
  let token: string
  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db })
    app = await server.createTestApp({ platforms: ['android', 'ios'] })
    token = await server.createToken({ role: 'owner', app: app.slug })
  })
  afterAll(() => server.close())

  const ask = (method: string, path: string, body?: unknown, as = token) =>
    server.request(method, path, { token: as, ...(body !== undefined && { body }) })
  const listOf = (files: FilesByPath) =>
    Object.entries(files).map(([path, content]) => {
      const bytes = Buffer.from(content)
      return { path, checksum: sha256Of(bytes), size: bytes.length }
    })
  const send = (files: FilesByPath) => {
    const form = batchOf(Object.values(files).map((content) => Buffer.from(content)))
    return server.request('POST', `/manage/v1/apps/${app.slug}/artifacts/batch`, { form, token })
  }
  const filesOf = (version: string): FilesByPath => ({ 'main.js': `start(${version})`, 'assets/logo.png': logo })
  async function publish(version: string, more: object = {}) {
    const files = filesOf(version)
    await send(files)
    const { status, body } = await ask('POST', `${BASE}/updates/publish`, {
      version,
      platform: 'android',
      launch: 'main.js',
      assets: listOf(files),
      ...more,
    })
    expect([status, body]).toEqual([201, expect.objectContaining({ update: expect.any(Object) })])
    return body as { update: { id: string }; deployment: { id: string } }
  }
  const check = async (device: object = {}) => {
    const body = { projectId: app.slug, platform: 'android', deviceId: 'device-1', nativeVersion: '1.0', ...device }
    const headers = { 'x-app-key': app.appKey }
    return (await server.request('POST', `${BASE}/updates/check`, { token: null, headers, body })).body
  }
  const report = (kind: string, releaseId: string, deviceId: string) =>
    server.request('POST', '/events', {
      token: null,
      headers: { 'x-app-key': app.appKey },
      body: {
        appId: app.id,
        deviceId,
        platform: 'android',
        events: [{ id: `${kind}-${deviceId}-${releaseId}`, kind, releaseId }],
      },
    })

  test('says that it is there', async () => {
    expect((await server.request('GET', `${BASE}/health`, { token: null })).body).toEqual({ status: 'ok' })
  })

  test('a project is an app', async () => {
    const owner = await server.createToken({ role: 'owner' })
    const made = await ask(
      'POST',
      `${BASE}/projects`,
      { slug: 'lumora', name: 'Lumora', platforms: ['android'] },
      owner,
    )
    expect([made.status, made.body.slug]).toEqual([201, 'lumora'])
    for (const name of ['lumora', made.body.id]) {
      expect((await ask('GET', `${BASE}/projects/${name}`, undefined, owner)).body).toMatchObject({ slug: 'lumora' })
    }
    expect(problemOf(await ask('GET', `${BASE}/projects/lumora`))).toMatch(/^40[34] /)
    expect(problemOf(await ask('POST', `${BASE}/projects`, { slug: 'No Slug' }, owner))).toBe('400 invalid-request')
  })

  test('an update is published, checked for, described and downloaded', async () => {
    const { update, deployment } = await publish('1.0.0', {
      message: 'First',
      runtimeVersion: '49',
      channel: 'staging',
    })
    expect(update).toMatchObject({
      projectId: app.id,
      version: '1.0.0',
      platform: 'android',
      channel: 'staging',
      runtimeVersion: '49',
      releaseNotes: 'First',
      launch: 'main.js',
      fileCount: 2,
      isSigned: false,
    })
    expect(deployment).toMatchObject({ updateId: update.id, rolloutPercentage: 100, state: 'active' })
    expect(await check({ channel: 'staging', runtimeVersion: '48' })).toEqual({
      updateAvailable: false,
      reason: 'runtime-mismatch',
      nativeUpdate: null,
    })
    const answer = await check({ channel: 'staging', runtimeVersion: '49' })
    expect(answer).toMatchObject({ updateAvailable: true, update: { id: update.id, fileCount: 2, delta: null } })

    const manifest = await server.request(
      'GET',
      new URL(answer.update.manifestUrl).pathname + `?projectId=${app.slug}`,
      {
        token: null,
        headers: { 'x-app-key': app.appKey },
      },
    )
    expect(manifest.status).toBe(200)
    const files = filesOf('1.0.0')
    for (const { path, checksum, size, contentType, url } of manifest.body.assets) {
      const { pathname, search } = new URL(url)
      const { rawPayload } = await server.app.http.inject(pathname + search)
      expect(rawPayload.equals(Buffer.from(files[path] ?? ''))).toBe(true)
      expect([sha256Of(rawPayload), rawPayload.length]).toEqual([checksum, size])
      expect(contentType).toBe(path === 'main.js' ? 'text/javascript; charset=utf-8' : 'image/png')
    }
    const list = await server.app.http.inject(`/assets/${answer.update.list.sha256}`)
    expect(sha256Of(list.rawPayload)).toBe(answer.update.list.sha256)
    const one = answer.update.fileUrl.replace('{sha256}', sha256Of(logo))
    expect((await server.app.http.inject(new URL(one).pathname)).rawPayload.equals(logo)).toBe(true)
  })

  test('the same again is the same, and something else under its version is refused', async () => {
    const files = filesOf('1.1.0')
    await send(files)
    const body = { version: '1.1.0', platform: 'all', channel: 'preview', assets: listOf(files) }
    await server.request('POST', `/manage/v1/apps/${app.slug}/channels`, { body: { name: 'preview' } })
    const first = await ask('POST', `${BASE}/updates/publish`, body)
    const again = await ask('POST', `${BASE}/updates/publish`, { ...body, assets: body.assets.toReversed() })
    expect([first.status, again.status, again.body]).toEqual([201, 200, first.body])
    expect(first.body.update.platform).toBe('all')
    const other = await ask('POST', `${BASE}/updates/publish`, { ...body, assets: body.assets.slice(1) })
    expect(problemOf(other)).toBe('409 release-exists')
  })

  test('a form brings the files themselves', async () => {
    const form = new FormData()
    form.append(
      'metadata',
      JSON.stringify({ projectId: app.slug, version: '1.2.0', platform: 'ios', launch: 'main.js' }),
    )
    for (const [path, content] of Object.entries(filesOf('1.2.0'))) {
      form.append(path, new Blob([Buffer.from(content)]), 'file')
    }
    const { status, body } = await server.request('POST', `${BASE}/updates/publish`, { form, token })
    expect([status, body.update.fileCount, body.update.launch]).toEqual([201, 2, 'main.js'])
    const listed = await server.request('GET', `/manage/v1/releases/${body.update.id}/files`)
    expect(listed.body.items.map(({ path }: { path: string }) => path)).toEqual(['assets/logo.png', 'main.js'])
  })

  describe('is not published', () => {
    const asset = { path: 'a', checksum: 'a'.repeat(64), size: 1 }
    const known = { path: 'assets/logo.png', checksum: sha256Of(logo), size: logo.length }
    const formOf = (parts: readonly [string, string | Blob][]) => {
      const form = new FormData()
      for (const [name, value] of parts) {
        if (typeof value === 'string') form.append(name, value)
        else form.append(name, value, 'file')
      }
      return form
    }
    test.each<[string, object, string]>([
      ['without files', { version: '5.0.0' }, '400 invalid-request'],
      ['with what was not sent', { version: '5.0.0', assets: [asset] }, '409 artifact-missing'],
      ['with another size', { version: '5.0.0', assets: [{ ...known, size: 1 }] }, '422 size-mismatch'],
      [
        'with a path that leads elsewhere',
        { version: '5.0.0', assets: [{ ...known, path: '../a' }] },
        '400 invalid-request',
      ],
      ['with a launch that is no file', { version: '5.0.0', assets: [known], launch: 'b' }, '400 invalid-request'],
      ['under no semantic version', { version: '5', assets: [known] }, '400 invalid-request'],
      [
        'for a platform that the app has not',
        { version: '5.0.0', platform: 'web', assets: [known] },
        '422 platform-not-found',
      ],
      [
        'on a channel that is not there',
        { version: '5.0.0', platform: 'ios', channel: 'nowhere', assets: [known] },
        '404 channel-not-found',
      ],
      [
        'with a list and assets',
        { version: '5.0.0', assets: [known], list: { sha256: 'a'.repeat(64), sizeBytes: 9 } },
        '400 invalid-request',
      ],
      [
        'with a list that was not sent',
        { version: '5.0.0', list: { sha256: 'a'.repeat(64), sizeBytes: 9 } },
        '409 artifact-missing',
      ],
      ['with unknown fields', { version: '5.0.0', assets: [known], bundle: true }, '400 invalid-request'],
    ])('%s', async (_how, body, expected) => {
      await send({ 'assets/logo.png': logo })
      const answer = await ask('POST', `${BASE}/updates/publish`, body)
      expect(problemOf(answer).split(' ')[1]).toBe(expected.split(' ')[1])
      const { body: listed } = await ask('GET', `${BASE}/updates`)
      expect(listed.updates.filter(({ version }: { version: string }) => version.startsWith('5'))).toEqual([])
    })

    test.each<[string, readonly [string, string | Blob][], string]>([
      ['a form without metadata', [['main.js', new Blob(['x'])]], 'invalid-request'],
      ['a form whose metadata are no JSON', [['metadata', '{']], 'malformed-json'],
      [
        'a form with a file that is a field',
        [
          ['metadata', '{"version":"5.0.0"}'],
          ['main.js', 'x'],
        ],
        'invalid-request',
      ],
      ['a form without files', [['metadata', '{"version":"5.0.0"}']], 'invalid-request'],
      [
        'a form with a path twice',
        [
          ['metadata', '{"version":"5.0.0"}'],
          ['a', new Blob(['x'])],
          ['A', new Blob(['y'])],
        ],
        'invalid-request',
      ],
    ])('by %s', async (_how, parts, expected) => {
      const answer = await server.request('POST', `${BASE}/updates/publish`, { form: formOf(parts), token })
      expect(problemOf(answer).split(' ')[1]).toBe(expected)
    })

    test('by whoever may not', async () => {
      const reader = await server.createToken({ role: 'reader' })
      const other = await server.createTestApp()
      const foreign = await server.createToken({ role: 'owner', app: other.slug })
      for (const as of [reader, foreign]) {
        const answer = await ask('POST', `${BASE}/updates/publish`, { projectId: app.slug, version: '5.0.0' }, as)
        expect(problemOf(answer)).toMatch(/^40[34] /)
      }
      expect(problemOf(await server.request('GET', `${BASE}/updates`, { token: null }))).toMatch(/^401 /)
    })
  })

  test('an update that changes one file of two is a delta', async () => {
    const before = await publish('2.0.0')
    const { update } = await publish('2.0.1')
    const bytes = 'start(2.0.1)'.length
    const answer = await check({ currentUpdateId: before.update.id })
    expect(answer.update.delta).toEqual({ from: before.update.id, files: 1, bytes })
    const headers = { 'x-app-key': app.appKey }
    const url = `${BASE}/manifests/${update.id}?projectId=${app.slug}&from=${before.update.id}`
    const manifest = await server.request('GET', url, { token: null, headers })
    expect(manifest.body.delta).toEqual({ from: before.update.id, paths: ['main.js'], bytes })
    const unknown = await server.request('GET', `${BASE}/manifests/nothing?projectId=${app.slug}`, {
      token: null,
      headers,
    })
    expect(problemOf(unknown)).toBe('404 release-not-found')
    expect(await check({ currentUpdateId: update.id })).toMatchObject({ reason: 'runs-the-target' })
    expect(await check({ currentVersion: '2.0.1' })).toMatchObject({ reason: 'runs-the-target' })
  })

  test('a deployment is partial, paused, widened and goes back to what was before', async () => {
    const { update: good } = await publish('3.0.0', { channel: 'beta' })
    const { update: next, deployment } = await publish('3.0.1', { channel: 'beta', rolloutPercentage: 0 })
    const offered = async () => (await check({ channel: 'beta' })).update?.id
    expect(await offered()).toBe(good.id)
    const put = (body: object) => ask('PUT', `${BASE}/deployments/${deployment.id}`, body)
    expect((await put({ rolloutPercentage: 100 })).body).toMatchObject({ rolloutPercentage: 100, state: 'active' })
    expect(await offered()).toBe(next.id)
    expect((await put({ state: 'paused' })).body.state).toBe('paused')
    expect(await offered()).toBe(good.id)
    expect((await put({ state: 'active' })).body.state).toBe('active')
    expect(problemOf(await put({ rolloutPercentage: 101 }))).toBe('400 invalid-request')
    expect(problemOf(await put({}))).toBe('400 invalid-request')
    expect(problemOf(await put({ state: 'halted', rolloutPercentage: 50 }))).toBe('400 invalid-request')

    const back = await ask('POST', `${BASE}/updates/${next.id}/rollback`, {})
    expect([back.status, back.body]).toEqual([201, expect.objectContaining({ updateId: good.id, channel: 'beta' })])
    expect(await check({ channel: 'beta', currentUpdateId: next.id })).toMatchObject({
      update: { id: good.id, direction: 'back' },
    })
    const target = await ask('POST', `${BASE}/updates/${good.id}/rollback`, { channel: 'beta', targetVersion: '3.0.1' })
    expect(target.body.updateId).toBe(next.id)
    const embedded = await ask('POST', `${BASE}/updates/${next.id}/rollback`, { channel: 'beta', toEmbedded: true })
    expect(embedded.body).toMatchObject({ updateId: null, version: null })
    expect(await check({ channel: 'beta', currentUpdateId: next.id })).toMatchObject({ rollBackTo: 'embedded' })
    for (const body of [{ targetVersion: '9.9.9' }, { targetVersion: '3.0.0', toEmbedded: true }, { x: 1 }]) {
      expect((await ask('POST', `${BASE}/updates/${next.id}/rollback`, body)).status).toBeGreaterThanOrEqual(400)
    }
    expect((await put({ state: 'withdrawn' })).body.state).toBe('withdrawn')
    expect(problemOf(await put({ state: 'active' }))).toBe('409 rollout-state')

    expect(problemOf(await ask('POST', `${BASE}/updates/${good.id}/rollback`, { channel: 'staging' }))).toBe(
      '400 invalid-request',
    )

    const listed = await ask('GET', `${BASE}/deployments?channel=beta&limit=2`)
    expect(listed.body.deployments.map(({ updateId }: { updateId: string }) => updateId)).toEqual([null, next.id])
    const rest = await ask('GET', `${BASE}/deployments?channel=beta&limit=10&cursor=${listed.body.nextCursor}`)
    expect(rest.body.deployments).toHaveLength(3)
    const promoted = await ask('POST', `${BASE}/deployments`, {
      updateId: good.id,
      channel: 'staging',
      rolloutPercentage: 5,
    })
    expect([promoted.status, promoted.body.rolloutPercentage]).toEqual([201, 5])
    const unknown = { updateId: app.id, channel: 'staging' }
    expect(problemOf(await ask('POST', `${BASE}/deployments`, unknown))).toBe('404 release-not-found')
  })

  test('updates are listed by channel, platform and page', async () => {
    const { body } = await ask('GET', `${BASE}/updates?limit=2`)
    expect(body.updates).toHaveLength(2)
    const next = await ask('GET', `${BASE}/updates?limit=200&cursor=${body.nextCursor}`)
    expect(next.body.updates.map(({ version }: { version: string }) => version)).toContain('1.0.0')
    const ofAll = await ask('GET', `${BASE}/updates?platform=all`)
    expect(ofAll.body.updates.map(({ version }: { version: string }) => version)).toEqual(['1.1.0'])
    expect((await ask('GET', `${BASE}/updates?channel=staging`)).body.updates).toHaveLength(2)
    expect(problemOf(await ask('GET', `${BASE}/updates?limit=1000`))).toBe('400 invalid-request')
    expect((await ask('GET', `/apps/${app.slug}${BASE}/updates?limit=1`)).status).toBe(200)
  })

  test('figures come from the fleet', async () => {
    const { update } = await publish('4.0.0', { channel: 'production' })
    for (const deviceId of ['a', 'b', 'c', 'd']) {
      await check({ deviceId })
      await report('downloaded', update.id, deviceId)
      await report('applied', update.id, deviceId)
    }
    for (const deviceId of ['a', 'b', 'c']) await report('confirmed', update.id, deviceId)
    await report('rolled-back', update.id, 'd')
    const { status, body } = await ask('GET', `${BASE}/stats?channel=production`)
    expect(status).toBe(200)
    expect(body.updates[0]).toEqual({
      id: update.id,
      version: '4.0.0',
      platform: 'android',
      downloads: 4,
      attempted: 4,
      successRate: 0.75,
      failureRate: 0.25,
      rollbackCount: 1,
    })
    expect(body).toMatchObject({ totalDownloads: 4, rollbackCount: 1, activeUsers: expect.any(Number) })
    expect(body.activeUsers).toBeGreaterThanOrEqual(4)
  })

  test('a device is explained', async () => {
    await check({ deviceId: 'explained', channel: 'production' })
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/explained/explain`)
    expect(body.decision).toMatchObject({ kind: 'update' })
  })

  test('a list that was uploaded is published as it is', async () => {
    const files = filesOf('6.0.0')
    await send(files)
    const manifest = filesManifestOf(files, { launch: 'main.js' })
    const sha256 = sha256Of(manifest)
    await server.request('PUT', `/manage/v1/apps/${app.slug}/artifacts/${sha256}?kind=files`, {
      body: manifest,
      token,
      headers: { 'content-type': 'application/octet-stream' },
    })
    const list = { sha256, sizeBytes: manifest.length }
    const { status, body } = await ask('POST', `${BASE}/updates/publish`, { version: '6.0.0', platform: 'ios', list })
    expect([status, body.update.list]).toEqual([201, { ...list, url: expect.stringContaining(`/artifacts/${sha256}`) }])
  })

  test('a deployment is widened and paused at once, or neither', async () => {
    const { deployment } = await publish('2.9.0', { channel: 'beta', rolloutPercentage: 10 })
    const put = (body: object) => ask('PUT', `${BASE}/deployments/${deployment.id}`, body)
    expect((await put({ rolloutPercentage: 20, state: 'paused' })).body).toMatchObject({
      rolloutPercentage: 20,
      state: 'paused',
    })
    const actions = (await ask('GET', `/manage/v1/audit?app=${app.slug}`)).body.items
    expect(actions.slice(0, 2).map(({ action }: { action: string }) => action)).toEqual([
      'rollout.paused',
      'rollout.changed',
    ])
    await put({ state: 'active' })

    const forbid = await forbidPausing(db)
    expect((await put({ rolloutPercentage: 50, state: 'paused' })).status).toBe(500)
    await forbid.lift()
    const { body } = await ask('GET', `/manage/v1/rollouts/${deployment.id}`)
    expect(body).toMatchObject({ percentage: 20, state: 'active' })
  })

  describe('going back without saying to what', () => {
    let channels = 0
    const nextChannel = async () => {
      const name = `back-${++channels}`
      await server.request('POST', `/manage/v1/apps/${app.slug}/channels`, { body: { name } })
      return name
    }
    const back = (id: string, channel: string) => ask('POST', `${BASE}/updates/${id}/rollback`, { channel })
    const TOMORROW = '2099-01-01T00:00:00.000Z'
    const place = (releaseId: string, channel: string, more: object) =>
      server.request('POST', `/manage/v1/apps/${app.slug}/rollouts`, { body: { releaseId, channel, ...more } })

    test('leads to what was in force for everyone: nothing scheduled, paused or partial', async () => {
      const channel = await nextChannel()
      const { update: good } = await publish('6.0.0', { channel })
      const { update: waits } = await publish('6.0.1', { channel: await nextChannel() })
      expect((await place(waits.id, channel, { startsAt: TOMORROW })).status).toBe(201)
      const { deployment: bad } = await publish('6.0.2', { channel })
      expect((await ask('PUT', `${BASE}/deployments/${bad.id}`, { state: 'paused' })).status).toBe(200)
      await publish('6.0.3', { channel, rolloutPercentage: 5 })
      const { update: last } = await publish('6.0.4', { channel })
      expect((await back(last.id, channel)).body).toMatchObject({ updateId: good.id })
    })

    test('twice leads on, and not forward to what was gone back from', async () => {
      const channel = await nextChannel()
      const { update: first } = await publish('6.1.0', { channel })
      const { update: second } = await publish('6.1.1', { channel })
      expect((await back(second.id, channel)).body).toMatchObject({ updateId: first.id })
      expect((await back(second.id, channel)).body).toMatchObject({ updateId: first.id })
      expect((await back(first.id, channel)).body).toMatchObject({ updateId: null })
    })

    test('stays with the runtime version, and sends no other binaries back', async () => {
      const channel = await nextChannel()
      const { update: one } = await publish('6.2.0', { channel, runtimeVersion: '1' })
      const { update: two } = await publish('6.2.1', { channel, runtimeVersion: '2' })
      expect(problemOf(await back(two.id, channel))).toBe('422 rollback-target-invalid')
      expect(problemOf(await back(one.id, channel))).toBe('422 rollback-target-invalid')
      const { update: three } = await publish('6.2.2', { channel, runtimeVersion: '1' })
      expect((await back(three.id, channel)).body).toMatchObject({ updateId: one.id })
    })

    test('leads nowhere where the update never was', async () => {
      const { update } = await publish('6.3.0', { channel: await nextChannel() })
      expect(problemOf(await back(update.id, 'beta'))).toBe('400 invalid-request')
    })
  })
})

/** The database refuses every rollout that is paused. */
async function forbidPausing(db: Database) {
  const inSqlite = sql`create trigger no_pause before update on rollout when new.state = 'paused'
    begin select raise(abort, 'no pause'); end`
  try {
    await inSqlite.execute(db)
    return { lift: () => sql`drop trigger no_pause`.execute(db) }
  } catch {
    await sql`alter table rollout add constraint no_pause check (state <> 'paused') not valid`.execute(db)
    return { lift: () => sql`alter table rollout drop constraint no_pause`.execute(db) }
  }
}
