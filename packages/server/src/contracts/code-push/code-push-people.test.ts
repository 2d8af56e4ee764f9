import { describeOnEveryDatabase, startTestServer, zipOf, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { unzip } from '../../shipping/content/testing/unzip.ts'

/** As the command-line tool names apps. */
let count = 0

describeOnEveryDatabase("CodePush's tools", (openDatabase) => {
  let server: TestServer
  let app = ''
  beforeAll(async () => {
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' }
    server = await startTestServer({ database: await openDatabase(), env })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = `MyApp${++count}-Android`
    await send('POST', '/apps/', { name: app })
  })

  const send = (method: string, path: string, body?: unknown) =>
    server.request(method, `/code-push${path}`, { ...(body !== undefined && { body }) })
  const of = (deployment: string, path = '') => `/apps/${app}/deployments/${deployment}${path}`
  async function release(text: string, info: object = {}, deployment = 'Staging', more: Record<string, string> = {}) {
    const form = new FormData()
    const zip = await zipOf({ 'CodePush/index.android.bundle': text, ...more })
    form.append('package', new Blob([new Uint8Array(zip)]), 'package.zip')
    form.append('packageInfo', JSON.stringify({ appVersion: '1.0.0', ...info }))
    return server.request('POST', `/code-push${of(deployment, '/release')}`, { form })
  }
  const history = async (deployment: string) => (await send('GET', of(deployment, '/history'))).body.history
  async function check(deployment: string, fields: Record<string, string> = {}) {
    const { key } = (await send('GET', of(deployment))).body.deployment
    const told = { deployment_key: key, app_version: '1.0.0', client_unique_id: 'device-1', ...fields }
    const path = `/v0.1/public/codepush/update_check?${new URLSearchParams(told)}`
    return (await server.request('GET', path, { token: null })).body.update_info
  }

  test('find out who they are, and which apps and deployments there are', async () => {
    expect((await send('GET', '/authenticated')).body).toEqual({ authenticated: true })
    expect((await send('GET', '/account')).body.account).toMatchObject({ email: expect.stringContaining('@') })
    const { apps } = (await send('GET', '/apps')).body
    expect(apps).toContainEqual(expect.objectContaining({ name: app, deployments: ['Production', 'Staging'] }))
    const { deployments } = (await send('GET', `/apps/${app}/deployments/`)).body
    expect(deployments).toMatchObject([
      { name: 'Production', key: expect.stringMatching(/^hpc_/), package: null },
      { name: 'Staging', key: expect.stringMatching(/^hpc_/), package: null },
    ])
    const key = 'a-key-that-binaries-have-already'
    const made = await send('POST', `/apps/${app}/deployments/`, { name: 'Beta', key })
    expect([made.status, made.body.deployment]).toEqual([201, { name: 'beta', key }])
    expect((await send('POST', `/apps/${app}/deployments/`, { name: 'Beta' })).status).toBe(409)
    expect((await send('GET', of('Nowhere'))).status).toBe(404)
    const unknown = await send('GET', '/apps/nobodys/deployments/')
    expect([unknown.status, unknown.headers['content-type'], unknown.body]).toEqual([
      404,
      'text/plain; charset=utf-8',
      'App "nobodys" does not exist.',
    ])
  })

  test('release, and a device gets it under its label', async () => {
    const { status, body } = await release('one', { description: 'Faster', isMandatory: true })
    expect([status, body.package]).toEqual([
      201,
      expect.objectContaining({
        label: 'v1',
        appVersion: '1.0.0',
        description: 'Faster',
        isMandatory: true,
        isDisabled: false,
        rollout: 100,
      }),
    ])
    const offered = await check('Staging')
    expect(offered).toMatchObject({ label: 'v1', package_hash: body.package.packageHash, is_mandatory: true })
    expect(await check('Staging', { app_version: '0.9.0' })).toMatchObject({ update_app_version: true })
    expect(await check('Staging', { app_version: '1.1.0' })).toMatchObject({ is_available: false })
    const again = await release('one')
    expect([again.status, again.body]).toEqual([409, expect.stringContaining('identical to the contents')])
    expect((await release('one', { appVersion: 'soon' })).status).toBe(400)
    expect(await history('Staging')).toHaveLength(1)
  })

  test('widen a rollout, switch a release off and on, and are told when nothing changed', async () => {
    await release('one')
    expect((await release('two', { rollout: 20 })).body.package).toMatchObject({ label: 'v2', rollout: 20 })
    const early = await release('three')
    expect([early.status, early.body]).toEqual([409, expect.stringContaining('100% rollout')])
    const patch = (packageInfo: object) => send('PATCH', of('Staging', '/release'), { packageInfo })
    expect((await patch({ label: null, rollout: 10 })).status).toBe(409)
    expect((await patch({ rollout: 50 })).body.package).toMatchObject({ rollout: 50 })
    expect((await patch({ rollout: 50 })).status).toBe(204)
    expect((await patch({ rollout: 100 })).body.package).toMatchObject({ rollout: 100 })
    expect((await patch({ isDisabled: true })).body.package).toMatchObject({ isDisabled: true })
    expect(await check('Staging')).toMatchObject({ label: 'v1' })
    expect((await patch({ isDisabled: false, isMandatory: true })).status).toBe(200)
    expect(await check('Staging')).toMatchObject({ label: 'v2', is_mandatory: true })
    expect((await patch({ description: 'Other words' })).status).toBe(409)
    expect((await patch({ label: 'v9', isMandatory: true })).status).toBe(404)
  })

  test('release what is switched off, and it is in force at no moment', async () => {
    await release('one')
    expect((await release('two', { isDisabled: true, rollout: 20 })).body.package).toMatchObject({
      label: 'v2',
      isDisabled: true,
      rollout: 20,
    })
    expect(await check('Staging')).toMatchObject({ label: 'v1' })
    const promoted = await send('POST', of('Staging', '/promote/Production'), { packageInfo: { label: 'v2' } })
    expect(promoted.body.package).toMatchObject({ label: 'v1', isDisabled: true })
    expect(await check('Production')).toMatchObject({ is_available: false })
    const { body } = await server.request('GET', `/manage/v1/audit?app=${app.toLowerCase()}&limit=100`)
    const told = body.items
      .map(({ action }: { action: string }) => action)
      .filter((each: string) => each.startsWith('rollout'))
    expect(told).toEqual(['rollout.paused', 'rollout.paused', 'rollout.started'])
    // What was never in force is nothing to go back to.
    await release('three')
    const back = await send('POST', of('Staging', '/rollback/'))
    expect([back.status, (await check('Staging')).package_hash]).toEqual([
      201,
      (await history('Staging'))[0].packageHash,
    ])
    expect((await send('POST', of('Staging', '/rollback/v2'))).status).toBe(409)
  })

  test('release at once, and each gets a label of its own', async () => {
    const all = await Promise.all(['one', 'two', 'three'].map((text) => release(text)))
    expect(all.map(({ status }) => status)).toEqual([201, 201, 201])
    expect(new Set(all.map(({ body }) => body.package.label))).toEqual(new Set(['v1', 'v2', 'v3']))
    expect(new Set(all.map(({ body }) => body.package.packageHash)).size).toBe(3)
  })

  test('release on channels whose long names begin alike', async () => {
    for (const end of ['one', 'two']) {
      const name = `${'long-'.repeat(10)}${end}`
      await send('POST', `/apps/${app}/deployments`, { name })
      expect((await release(end, {}, name)).status).toBe(201)
    }
  })

  test('release again what was there before embedded was placed on top', async () => {
    await release('one')
    const place = { platform: 'android', channel: 'staging', to: 'embedded' }
    await server.request('POST', `/manage/v1/apps/${app.toLowerCase()}/rollbacks`, { body: place })
    const back = await send('POST', of('Staging', '/rollback/'))
    expect(back.body.package).toMatchObject({ label: 'v3', originalLabel: 'v1' })
    await server.request('POST', `/manage/v1/apps/${app.toLowerCase()}/rollbacks`, { body: place })
    expect((await release('one')).body.package.label).toBe('v5')
    const { body } = await server.request('GET', `/manage/v1/apps/${app.toLowerCase()}/releases`)
    for (const { id } of body.items) await server.request('DELETE', `/manage/v1/releases/${id}`)
    const enabled = await send('PATCH', of('Staging', '/release'), { packageInfo: { isDisabled: false } })
    expect([enabled.status, enabled.body]).toEqual([409, expect.stringContaining('taken back for good')])
    const taken = await send('POST', of('Staging', '/rollback/v1'))
    expect([taken.status, taken.body]).toEqual([409, expect.stringContaining('taken back for good')])
  })

  test('hear how many devices run a label now', async () => {
    for (const text of ['one', 'two']) {
      const { body } = await release(text)
      const { label, packageHash: package_hash } = body.package
      for (const client_unique_id of text === 'one' ? ['a', 'b', 'c'] : ['a', 'b']) {
        await check('Staging', { client_unique_id, label, package_hash })
      }
    }
    await server.request('GET', `/manage/v1/apps/${app.toLowerCase()}/devices/a`)
    const { metrics } = (await send('GET', of('Staging', '/metrics'))).body
    expect([metrics.v1.active, metrics.v2.active]).toEqual([1, 2])
  })

  test('release a bundle as it is, and a device gets it in a zip', async () => {
    const bare = async (name: string, content = 'bundle '.repeat(50_000)) => {
      const form = new FormData()
      form.append('package', new Blob([content]), name)
      form.append('packageInfo', JSON.stringify({ appVersion: '1.0.0' }))
      return server.request('POST', `/code-push${of('Staging', '/release')}`, { form })
    }
    expect((await bare('index.android.bundle')).status).toBe(201)
    const { download_url, package_size } = await check('Staging')
    const { rawPayload } = await server.app.http.inject({ url: new URL(download_url).pathname })
    expect(rawPayload.length).toBe(package_size)
    expect(Object.fromEntries(await unzip(rawPayload))).toEqual({
      'CodePush/index.android.bundle': Buffer.from('bundle '.repeat(50_000)),
    })
    for (const [name, content] of [
      ['package.zip', 'no zip'],
      ['notes.txt', 'text'],
      ['index.android.bundle', ''],
      ['../x.bundle/', 'x'],
    ] as const) {
      const { status, body } = await bare(name, content)
      expect([status, body]).toEqual([400, expect.stringContaining('index.android.bundle or main.jsbundle')])
    }
  })

  test('add, list and remove access keys, which are tokens with the rights of who adds them', async () => {
    const added = await send('POST', '/accessKeys/', { friendlyName: `ci-${app}`, ttl: 3_600_000 })
    const { name: key, ...shown } = added.body.accessKey
    expect([added.status, shown]).toEqual([
      201,
      expect.objectContaining({ friendlyName: `ci-${app}`, isSession: false }),
    ])
    expect(shown.expires - shown.createdTime).toBe(3_600_000)
    expect((await send('POST', '/accessKeys/', { friendlyName: `ci-${app}` })).status).toBe(409)
    const { accessKeys } = (await send('GET', '/accessKeys')).body
    expect(accessKeys).toContainEqual({ ...shown, name: '(hidden)' })
    expect(JSON.stringify(accessKeys)).not.toContain(key)
    const withKey = (path: string) => server.request('GET', `/code-push${path}`, { token: key })
    expect((await withKey('/account')).body.account.email).toBe(`ci-${app.toLowerCase()}@token`)
    const { collaborators } = (await withKey(`/apps/${app}/collaborators`)).body
    expect(collaborators[`ci-${app.toLowerCase()}@token`]).toEqual({ isCurrentAccount: true, permission: 'Owner' })
    expect(collaborators['owner@token']).toEqual({ isCurrentAccount: false, permission: 'Owner' })
    expect((await send('DELETE', `/accessKeys/ci-${app}`)).status).toBe(204)
    expect([(await withKey('/account')).status, (await send('GET', `/accessKeys/ci-${app}`)).status]).toEqual([
      401, 404,
    ])
  })

  test('see no keys of others, and give none away that may more, with a token that may not', async () => {
    const slug = app.toLowerCase()
    const reader = await server.createToken({ role: 'reader', app: slug })
    const as = (method: string, path: string, body?: unknown) =>
      server.request(method, `/code-push${path}`, { token: reader, ...(body !== undefined && { body }) })
    expect((await as('GET', '/accessKeys')).status).toBe(403)
    expect((await as('POST', '/accessKeys/', { friendlyName: 'mine' })).status).toBe(403)
    expect((await as('DELETE', '/accessKeys/owner')).status).toBe(403)
    const { collaborators } = (await as('GET', `/apps/${app}/collaborators`)).body
    expect(Object.values(collaborators)).toEqual([{ isCurrentAccount: true, permission: 'Collaborator' }])
    const admin = await server.createToken({ role: 'admin', app: slug })
    const { accessKeys } = (await server.request('GET', '/code-push/accessKeys', { token: admin })).body
    expect(accessKeys.map(({ friendlyName }: { friendlyName: string }) => friendlyName)).not.toContain('owner')
    const hint = await send('POST', `/apps/${app}/collaborators/a@example.com`)
    expect([hint.status, hint.body]).toEqual([404, expect.stringContaining('hotpatch tokens create --app')])
  })

  test('are told in one sentence what is wrong, whatever it is', async () => {
    const wrong = await Promise.all([
      send('POST', '/apps/', { name: '__proto__' }),
      send('POST', `/apps/${app}/deployments`, { name: 'a/b' }),
      send('POST', `/apps/${app}/deployments`, { name: 'ünï' }),
      send('POST', `/apps/${app}/deployments`, { name: '__proto__' }),
      send('POST', of('Staging', '/release'), {}),
      send('PATCH', of('Staging', '/release'), { packageInfo: { rollout: 0 } }),
      server.request('PATCH', `/code-push${of('Staging', '/release')}`, {
        body: '{',
        headers: { 'content-type': 'application/json' },
      }),
    ])
    for (const { status, headers, body } of wrong) {
      expect([400, 415]).toContain(status)
      expect(headers['content-type']).toBe('text/plain; charset=utf-8')
      expect(body).toMatch(/^[^{]/)
    }
    const changes = await release('one', {}, 'Staging', { 'hotcodepush.json': '{"deletedFiles":["../../x"]}' })
    expect([changes.status, changes.body]).toEqual([422, expect.stringContaining('hotcodepush.json')])
  })

  test('promote, roll back and read what came of it', async () => {
    await release('one')
    const promoted = await send('POST', of('Staging', '/promote/Production'), { packageInfo: {} })
    expect([promoted.status, promoted.body.package.label]).toEqual([201, 'v1'])
    expect((await send('POST', of('Staging', '/promote/Production'), { packageInfo: {} })).status).toBe(409)
    await release('two')
    await send('POST', of('Staging', '/promote/Production'), { packageInfo: { isMandatory: true } })
    expect(await check('Production')).toMatchObject({ label: 'v2', is_mandatory: true })
    const back = await send('POST', of('Production', '/rollback/'))
    expect([back.status, back.body.package.label]).toEqual([201, 'v3'])
    const [first, , third] = await history('Production')
    expect(third.packageHash).toBe(first.packageHash)
    expect(await check('Production')).toMatchObject({ label: 'v3', package_hash: first.packageHash })
    expect((await send('POST', of('Production', '/rollback/v1'))).status).toBe(409)
    expect((await send('POST', of('Production', '/rollback/v77'))).status).toBe(404)
    const { key } = (await send('GET', of('Production'))).body.deployment
    const report = { deployment_key: key, app_version: '1.0.0', client_unique_id: 'device-1', label: 'v3' }
    const path = '/v0.1/public/codepush/report_status/deploy'
    await server.request('POST', path, { token: null, body: { ...report, status: 'DeploymentSucceeded' } })
    await server.request('GET', `/manage/v1/apps/${app.toLowerCase()}/devices/device-1`)
    const { metrics } = (await send('GET', of('Production', '/metrics'))).body
    expect(metrics.v3).toMatchObject({ installed: 1, failed: 0 })
  })

  test('count on from the labels that another server had given, of which none is lost', async () => {
    expect((await release('one')).body.package.label).toBe('v1')
    const slug = app.toLowerCase()
    const { items } = (await server.request('GET', `/manage/v1/apps/${slug}/rollouts`)).body
    const place = (body: object) =>
      server.request('POST', `/manage/v1/apps/${slug}/rollouts`, {
        body: { releaseId: items[0].releaseId, channel: 'production', ...body },
      })
    expect((await place({ labelNumber: 41 })).body).toMatchObject({ labelNumber: 41 })
    expect((await place({})).body).toMatchObject({ labelNumber: null })
    const below = await place({ labelNumber: 42 })
    expect([below.status, below.body.detail]).toEqual([400, expect.stringContaining('expected more than 42')])
    // One was left out in between.
    await place({ labelNumber: 51 })
    const labels = (await history('Production')).map(({ label }: { label: string }) => label)
    expect(labels).toEqual(['v41', 'v42', 'v51'])
    expect(await check('Production')).toMatchObject({ is_available: true, label: 'v51' })
    expect(await check('Production', { label: 'v41' })).toMatchObject({ is_available: false })
    expect(await check('Production', { label: 'v1' })).toMatchObject({ is_available: true })
    expect((await release('two', {}, 'Production')).body.package).toMatchObject({ label: 'v52' })
  })

  test('are told what they cannot do here, and whoever may not is refused', async () => {
    const refused = await send('POST', `/apps/${app}/transfer/somebody@example.com`)
    expect([refused.status, refused.body]).toEqual([404, expect.stringContaining('hotpatch')])
    expect((await server.request('GET', '/code-push/apps', { token: null })).status).toBe(401)
    expect((await send('DELETE', of('Staging', '/history'))).status).toBe(404)
  })
})
