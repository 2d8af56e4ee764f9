import type { App, Explanation, Impact } from '@hotpatch/api'
import { bundleOf, fixedClock, startTestServer, zipOf } from '@hotpatch/testkit'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'

const clock = fixedClock()
const server = await startTestServer({ clock })
afterAll(() => server.close())

let app: App
beforeEach(async () => {
  app = await server.createTestApp({ checkAccess: 'open' })
})

const KEY = 'MIIBCgKCAQEA12345678'
const OTHER_KEY = 'MIIBCgKCAQEA87654321'

const bundleFor = (version: string) => zipOf({ 'index.html': version })

async function publish(version: string) {
  const bundle = await bundleFor(version)
  return (await server.published(app, { bundle, version, platform: 'android' })) as Record<
    'releaseId' | 'rolloutId',
    string
  >
}

async function encrypt(version: string, releaseId: string, keyId: string) {
  const form = new FormData()
  // As AES fills the last of its blocks.
  const sizeBytes = ((await bundleFor(version)).length & ~15) + 16
  const sessionKey = `${'A'.repeat(22)}==:${'B'.repeat(341)}A==`
  const metadata = { algorithm: 'capgo-v2', keyId, sessionKey, checksum: 'c'.repeat(512) }
  form.set('metadata', new Blob([JSON.stringify(metadata)], { type: 'application/json' }), 'metadata.json')
  form.set('bundle', new Blob([new Uint8Array(sizeBytes)]), 'bundle.zip')
  const { status } = await server.request('POST', `/manage/v1/apps/${app.slug}/releases/${releaseId}/variants`, {
    form,
  })
  expect(status).toBe(201)
}

async function capgo(fields: object = {}) {
  const told = { platform: 'android', device_id: 'device-1', app_id: 'com.example.app' }
  const versions = { version_build: '1.0.0', version_name: '1.0.0', plugin_version: '8.51.23' }
  const body = { ...told, ...versions, ...fields }
  return (await server.request('POST', `/apps/${app.slug}/capgo/updates`, { token: null, body })).body
}

const explain = async (query = ''): Promise<Explanation> =>
  (await server.request('GET', `/manage/v1/apps/${app.slug}/devices/device-1/explain${query}`)).body
/** The one that it was last offered, or has what it runs from. */
const rolloutOfDevice = async (): Promise<string | null> => {
  await server.tick()
  return (await server.request('GET', `/manage/v1/apps/${app.slug}/devices/device-1`)).body.rolloutId
}

describe('a plugin with a key', () => {
  test('gets the newest that it can open, and that is what is explained', async () => {
    const first = await publish('1.1.0')
    await encrypt('1.1.0', first.releaseId, KEY)
    const second = await publish('1.2.0')
    await encrypt('1.2.0', second.releaseId, OTHER_KEY)
    expect(await capgo({ key_id: KEY })).toMatchObject({ version: '1.1.0', checksum: 'c'.repeat(512) })

    const { decision, rollouts, device, towards } = await explain('?release=1.2.0')
    expect(device.attributes).toMatchObject({ sdkVersion: '8.51.23', decryptionKeyId: KEY })
    expect(decision).toMatchObject({ kind: 'update', version: '1.1.0' })
    expect(rollouts[0]?.verdicts.find(({ rule }) => rule === 'D11')).toEqual({
      rule: 'D11',
      passed: false,
      reason: 'form-not-taken',
      explanation: `1.2.0 is there as it is, and encrypted for ${OTHER_KEY}, and the client on the device takes only what is encrypted for ${KEY}.`,
    })
    expect(towards?.changes[0]).toContain(
      `hotpatch variants add 1.2.0 --platform android with the private key of ${KEY}`,
    )
    expect(await rolloutOfDevice()).toBe(first.rolloutId)
  })

  test('is told why there is nothing for it, and so is whoever asks', async () => {
    await publish('1.1.0')
    expect(await capgo({ key_id: KEY })).toMatchObject({ error: 'key_id_mismatch', kind: 'blocked' })
    expect((await explain()).decision).toMatchObject({
      kind: 'up-to-date',
      reason: 'form-not-taken',
      explanation: `1.1.0 is there as it is only, not encrypted, and the client on the device takes only what is encrypted for ${KEY}.`,
      waysOut: [expect.stringContaining('hotpatch variants add 1.1.0')],
    })
    expect(await rolloutOfDevice()).toBeNull()
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices?reason=form-not-taken`)
    expect(body.items).toHaveLength(1)
  })

  test('that has none any more is known for that', async () => {
    await publish('1.1.0')
    await capgo({ key_id: KEY })
    expect(await capgo()).toMatchObject({ version: '1.1.0' })
    const { decision, device } = await explain()
    expect(decision).toMatchObject({ kind: 'update', version: '1.1.0' })
    expect(device.attributes).not.toHaveProperty('decryptionKeyId')
  })

  test('that is too old for how releases are encrypted is told so', async () => {
    const { releaseId } = await publish('1.1.0')
    await encrypt('1.1.0', releaseId, KEY)
    const old = { key_id: KEY, plugin_version: '7.29.0' }
    expect(await capgo(old)).toMatchObject({ error: 'unsupported_plugin_version', kind: 'failed' })
    const { reason, explanation, waysOut } = (await explain()).decision
    expect([reason, explanation, waysOut[0]]).toEqual([
      'form-not-taken',
      expect.stringContaining('too old'),
      expect.stringContaining('newer version of the client'),
    ])
  })
})

describe('a client without a word for what its binary shipped with', () => {
  const back = async () => {
    const body = { platform: 'android', channel: 'production', to: 'embedded' }
    return (await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body })).body
  }
  const impact = async (): Promise<Impact> => {
    const body = { change: 'roll-back', platform: 'android', channel: 'production', to: 'embedded' }
    return (await server.request('POST', `/manage/v1/apps/${app.slug}/impact`, { body })).body
  }

  test('keeps what it runs, and is not offered what the roll-back leads back from', async () => {
    const first = await publish('1.1.0')
    await publish('1.2.0')
    const old = { plugin_version: '6.1.0', version_name: '1.1.0' }
    expect(await capgo(old)).toMatchObject({ version: '1.2.0' })
    expect((await impact()).cannotTake).toMatchObject([{ reason: 'embedded-not-taken', devices: 1 }])
    const { id } = await back()
    expect(await capgo(old)).toMatchObject({ error: 'revert_to_builtin_plugin_version_too_old' })
    const { decision, rollouts } = await explain()
    expect(decision).toMatchObject({
      kind: 'up-to-date',
      reason: 'embedded-not-taken',
      waysOut: [expect.stringContaining('hotpatch rollback --version VERSION --platform android')],
    })
    expect(rollouts.map(({ outcome }) => outcome)).toEqual(['passed-over', 'not-reached', 'not-reached'])
    expect(await rolloutOfDevice()).not.toBe(id)
    expect((await server.request('GET', `/manage/v1/apps/${app.slug}/devices/device-1`)).body.currentReleaseId).toBe(
      first.releaseId,
    )
    expect(await capgo({ ...old, plugin_version: '8.51.23' })).toEqual({ version: 'builtin' })
  })

  test('keeps also what was taken back, and a way out is named', async () => {
    const { rolloutId } = await publish('1.1.0')
    const old = { plugin_version: '6.1.0', version_name: '1.1.0' }
    await capgo(old)
    await server.request('POST', `/manage/v1/rollouts/${rolloutId}/halt`)
    expect(await capgo(old)).toMatchObject({ error: 'revert_to_builtin_plugin_version_too_old' })
    expect((await explain()).decision).toMatchObject({
      reason: 'embedded-not-taken',
      explanation: expect.stringContaining('What it runs was taken back'),
    })
  })

  test('a client that has the word is asked for nothing of that', async () => {
    await server.published(app, { bundle: await bundleOf('one'), version: '1.1.0', platform: 'android' })
    await server.check(app, { deviceId: 'device-1', version: '1.1.0' })
    expect((await impact()).cannotTake).toEqual([])
  })
})
