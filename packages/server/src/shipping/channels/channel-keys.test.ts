import type { App } from '@hotpatch/api'
import { bundleOf, describeOnEveryDatabase, problemOf, startTestServer, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

describeOnEveryDatabase('a channel key', (openDatabase) => {
  let server: TestServer
  let app: App
  let at = ''
  beforeAll(async () => {
    server = await startTestServer({ database: await openDatabase() })
    app = await server.createTestApp()
    at = `/manage/v1/apps/${app.slug}/channel-keys`
  })
  afterAll(() => server.close())

  const create = (body: object) => server.request('POST', at, { body })
  const check = (key: string, fields: object = {}, path = '/update/check') =>
    server.request('POST', path, {
      token: null,
      headers: { 'x-app-key': key },
      body: { deviceId: 'device-1', platform: 'android', version: '0.9.0', ...fields },
    })

  test('names the app and the channel of whoever comes with it, whatever channel they name', async () => {
    await server.published(app, { bundle: await bundleOf('production') })
    await server.published(app, { bundle: await bundleOf('staging'), version: '2.0.0', channel: 'staging' })
    const { status, body } = await create({ channel: 'staging' })
    expect([status, body]).toEqual([
      201,
      expect.objectContaining({ channel: 'staging', key: expect.stringMatching(/^hpc_/) }),
    ])
    expect((await check(app.appKey)).body.version).toBe('1.0.0')
    for (const fields of [{}, { channel: 'production' }, { channel: 'nowhere' }]) {
      expect((await check(body.key, fields)).body.version).toBe('2.0.0')
    }
    const { body: device } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/device-1`)
    expect(device).toMatchObject({ channel: 'staging', dialect: 'react-native' })
  })

  test('takes a key that binaries have already, and no key twice', async () => {
    const key = 'Qm9-deployment.key_of~another-system'
    expect((await create({ channel: 'beta', key, name: 'from before' })).status).toBe(201)
    expect((await check(key)).status).toBe(200)
    expect(problemOf(await create({ channel: 'staging', key }))).toBe('409 channel-key-exists')
    const other = await server.createTestApp()
    const elsewhere = await server.request('POST', `/manage/v1/apps/${other.slug}/channel-keys`, {
      body: { channel: 'beta', key },
    })
    expect(problemOf(elsewhere)).toBe('409 channel-key-exists')
    expect(problemOf(await check(key, {}, `/apps/${other.slug}/update/check`))).toBe('401 app-key-invalid')
  })

  test.each([
    ['a channel that is not there', { channel: 'nowhere' }, '404 channel-not-found'],
    ["a key that looks like an app's own", { channel: 'beta', key: 'hpk_0123456789abcdef' }, '400 invalid-request'],
    ['a key that is short enough to be guessed', { channel: 'beta', key: '0123456789' }, '400 invalid-request'],
    ['a key that cannot be a header', { channel: 'beta', key: '0123456789abcde\nx' }, '400 invalid-request'],
  ])('is not made for %s', async (_what, body, expected) => {
    expect(problemOf(await create(body))).toBe(expected)
  })

  test('is refused once it is revoked, also when it is revoked twice, and is not taken again', async () => {
    const { body } = await create({ channel: 'staging' })
    const revoke = (id: string) => server.request('POST', `${at}/${id}/revoke`)
    const first = await revoke(body.id)
    expect((await revoke(body.id)).body).toEqual(first.body)
    expect(problemOf(await check(body.key))).toBe('401 app-key-invalid')
    expect(problemOf(await create({ channel: 'staging', key: body.key }))).toBe('409 channel-key-exists')
    expect(problemOf(await revoke('nobody'))).toBe('404 channel-key-not-found')
  })

  test('ends with its channel', async () => {
    await server.request('POST', `/manage/v1/apps/${app.slug}/channels`, { body: { name: 'mistake' } })
    const { body } = await create({ channel: 'mistake' })
    await server.request('DELETE', `/manage/v1/apps/${app.slug}/channels/mistake`)
    expect(problemOf(await check(body.key))).toBe('401 app-key-invalid')
  })

  test('stands in no audit entry', async () => {
    const { body } = await create({ channel: 'beta' })
    const { body: audit } = await server.request('GET', `/manage/v1/audit?app=${app.slug}&limit=100`)
    expect(audit.items.map(({ action }: { action: string }) => action)).toContain('channel-key.created')
    expect(JSON.stringify(audit)).not.toContain(body.key)
  })
})
