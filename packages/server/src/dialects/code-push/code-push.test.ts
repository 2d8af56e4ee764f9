import { createHash } from 'node:crypto'
import type { App } from '@hotpatch/api'
import { describeOnEveryDatabase, fixedClock, startTestServer, zipOf, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { sumRolloutHours } from '../../fleet/progress/rollout-progress.ts'
import type { Database } from '../../ground/database/schema.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describeOnEveryDatabase('a client of CodePush', (openDatabase) => {
  const clock = fixedClock()
  let db: Database
  let server: TestServer
  let app: App
  let key = ''
  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db, clock, env: { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' } })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp()
    key = await createKey('production', 'android')
  })

  async function createKey(channel: string, platform: string): Promise<string> {
    const body = { channel, platform }
    return (await server.request('POST', `/manage/v1/apps/${app.slug}/channel-keys`, { body })).body.key
  }
  const publish = async (version: string, changes: object = {}) =>
    server.published(app, { bundle: await zipOf(filesOf(version)), platform: 'android', version, ...changes })
  const filesOf = (version: string) => ({
    'CodePush/index.android.bundle': `// ${version}`,
    'CodePush/logo.png': 'logo',
  })
  const hashOf = (version: string) =>
    sha256(
      JSON.stringify(
        Object.entries(filesOf(version))
          .map(([path, content]) => `${path}:${sha256(content)}`)
          .sort(),
      ),
    )
  const ask = (method: string, path: string, body?: unknown) =>
    server.request(method, path, { token: null, ...(body !== undefined && { body }) })
  async function check(fields: Record<string, string> = {}) {
    const query = new URLSearchParams({
      deployment_key: key,
      app_version: '1.0.0',
      client_unique_id: 'device-1',
      ...fields,
    })
    const { body } = await ask('GET', `/v0.1/public/codepush/update_check?${query}`)
    return body.update_info
  }
  const deployed = (label: string, status: string) =>
    ask('POST', '/v0.1/public/codepush/report_status/deploy', {
      deployment_key: key,
      app_version: '1.0.0',
      client_unique_id: 'device-1',
      label,
      status,
    })
  const device = async () => (await server.request('GET', `/manage/v1/apps/${app.slug}/devices/device-1`)).body

  test('is offered what its deployment has for its platform, by label and hash', async () => {
    expect(await check()).toMatchObject({ is_available: false, should_run_binary_version: true })
    await publish('1.1.0', { platform: 'ios' })
    const release = await publish('1.1.0', { notes: 'Faster' })
    const offered = await check()
    expect(offered).toEqual({
      download_url: `${release.content.downloadUrl}?release=${release.releaseId}`,
      description: 'Faster',
      is_available: true,
      is_mandatory: false,
      app_version: '1.0.0',
      target_binary_range: '1.0.0',
      package_hash: hashOf('1.1.0'),
      label: 'v1',
      package_size: expect.any(Number),
      update_app_version: false,
      should_run_binary_version: false,
    })
    expect(await check({ package_hash: offered.package_hash, label: 'v1' })).toMatchObject({ is_available: false })
    expect(await device()).toMatchObject({
      dialect: 'code-push',
      platform: 'android',
      channel: 'production',
      nativeVersion: '1.0.0',
      currentReleaseId: release.releaseId,
    })
  })

  test('skips a mandatory release and learns that it was one; one that has it does not', async () => {
    await publish('1.1.0')
    await publish('1.2.0', { mandatory: true })
    await publish('1.3.0')
    expect(await check({ package_hash: hashOf('1.1.0') })).toMatchObject({ label: 'v3', is_mandatory: true })
    expect(await check({ package_hash: hashOf('1.2.0') })).toMatchObject({ label: 'v3', is_mandatory: false })
  })

  test('goes back by a new label, and is told of a binary that it needs', async () => {
    const first = await publish('1.1.0')
    await publish('1.2.0')
    const place = { platform: 'android', channel: 'production' }
    const body = { ...place, to: { releaseId: first.releaseId } }
    await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body })
    const offered = await check({ package_hash: hashOf('1.2.0'), label: 'v2' })
    expect(offered).toMatchObject({ label: 'v3', package_hash: hashOf('1.1.0') })
    // What is on the phone already is not fetched again under another label.
    expect(await check({ package_hash: hashOf('1.1.0'), label: 'v1' })).toMatchObject({ is_available: false })
    await publish('2.0.0', { minNativeVersion: '2.0' })
    expect(await check({ package_hash: hashOf('1.1.0') })).toMatchObject({
      is_available: false,
      update_app_version: true,
      app_version: '2.0',
      should_run_binary_version: false,
    })
    expect(await check({ package_hash: hashOf('1.1.0'), is_companion: 'true' })).toMatchObject({ label: 'v4' })
  })

  test('that comes with a hash of its binary runs no release', async () => {
    await publish('1.1.0')
    expect(await check({ package_hash: 'f'.repeat(64) })).toMatchObject({ label: 'v1' })
    expect(await device()).toMatchObject({ currentReleaseId: null })
  })

  test('tells what came of it, once, and is not offered again what failed on it', async () => {
    const first = await publish('1.1.0')
    await check()
    const downloaded = { deployment_key: key, client_unique_id: 'device-1', label: 'v1' }
    for (let times = 0; times < 2; times++) {
      expect((await ask('POST', '/v0.1/public/codepush/report_status/download', downloaded)).status).toBe(200)
      expect((await deployed('v1', 'DeploymentSucceeded')).status).toBe(200)
    }
    await check({ package_hash: hashOf('1.1.0'), label: 'v1' })
    await device()
    const figures = await sumRolloutHours(db, [first.rolloutId])
    expect(figures.get(first.rolloutId)).toMatchObject({ offered: 1, downloaded: 1, confirmed: 1, attempted_bad: 0 })
    const second = await publish('1.2.0')
    const running = { package_hash: hashOf('1.1.0'), label: 'v1' }
    expect(await check(running)).toMatchObject({ label: 'v2', is_available: true })
    await deployed('v2', 'DeploymentFailed')
    expect(await check(running)).toMatchObject({ is_available: false })
    const failed = expect.objectContaining({ kind: 'rolled-back', releaseId: second.releaseId })
    expect((await device()).events).toContainEqual(failed)
    const { body: why } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/device-1/explain`)
    expect(JSON.stringify(why)).toContain('failed-on-this-device')
  })

  test('is drawn as by its own server, for each label, where the app asks for that', async () => {
    app = await server.createTestApp({ bucketing: 'original' })
    await publish('1.0.1', { percentage: 30 })
    // No key named the channel for the platform: then it is no deployment.
    const rollouts = async () => (await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts`)).body.items
    expect((await rollouts())[0]).toMatchObject({ salt: '', buckets: 100 })
    key = await createKey('production', 'android')
    // vectors/buckets.json: under v2 this device is in bucket 31.
    const { rolloutId } = await publish('1.1.0', { percentage: 31 })
    expect((await rollouts())[0]).toMatchObject({ id: rolloutId, salt: 'v2', drawing: 'code-push' })
    expect((await check()).label).not.toBe('v2')
    const { body: why } = await server.request(
      'GET',
      `/manage/v1/apps/${app.slug}/devices/device-1/explain?release=1.1.0`,
    )
    expect(JSON.stringify(why.towards)).toContain('to 32 %')
    await server.request('PATCH', `/manage/v1/rollouts/${rolloutId}`, { body: { percentage: 32 } })
    expect((await check()).label).toBe('v2')
  })

  test('may report a label that is not here, and sends it once', async () => {
    expect((await deployed('v77', 'DeploymentSucceeded')).status).toBe(200)
  })

  test('is told in its own form what is wrong', async () => {
    const at = '/v0.1/public/codepush/update_check'
    const malformed = await ask('GET', `${at}?deployment_key=${key}&app_version=latest`)
    expect([malformed.status, malformed.headers['content-type']]).toEqual([400, 'text/plain; charset=utf-8'])
    expect(malformed.body).toBe(
      '/app_version: expected a version of the binary such as 1.0.0, found "latest" (invalid-request)',
    )
    const nobody = await ask('GET', `${at}?deployment_key=nobodys-deployment-key&app_version=1.0.0`)
    expect([nobody.status, nobody.body]).toEqual([
      401,
      'No app has the deployment key of this request, CodePushDeploymentKey in the app. (app-key-invalid)',
    ])
    const none = await ask('GET', `${at}?app_version=1.0.0`)
    expect([none.status, none.body]).toEqual([
      401,
      expect.stringMatching(/^Expected deployment_key.* \(app-key-required\)$/),
    ])
  })

  test('is of the deployment that its key names, until that is revoked', async () => {
    await publish('1.1.0', { channel: 'staging' })
    expect(await check()).toMatchObject({ is_available: false })
    key = await createKey('staging', 'android')
    expect(await check()).toMatchObject({ label: 'v1', is_available: true })
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/channel-keys`)
    const mine = body.items.find((each: { key: string }) => each.key === key)
    expect(mine).toMatchObject({ channel: 'staging', platform: 'android' })
    await server.request('POST', `/manage/v1/apps/${app.slug}/channel-keys/${mine.id}/revoke`)
    expect(await check()).toBeUndefined()
  })
})
