import { readFileSync } from 'node:fs'
import { appImage, newMinisignKey, publishBinary, sha256Of, startTestServer } from '@hotpatch/testkit'
import { afterAll, describe, expect, test } from 'vitest'
import { textOf } from '../../ground/http/made-body.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { readUpdateCheck } from './read-update-check.ts'
import { renderDecision } from './render-decision.ts'
import { takes } from './tauri-takes.ts'

interface Vectors {
  checks: {
    comment: string
    params: Record<string, string>
    query: Record<string, string>
    deviceId?: string
    expected: object | null
  }[]
  answers: {
    comment: string
    params: Record<string, string>
    query: Record<string, string>
    decision: object
    expected: { status: number; body: unknown } | null
  }[]
}
const VECTORS = new URL('../../../../../vectors/dialects/tauri/updates.json', import.meta.url)
const { checks, answers } = JSON.parse(readFileSync(VECTORS, 'utf8')) as Vectors

test.each(checks)('Tauri §2: $comment', ({ params, query, deviceId, expected }) => {
  const read = () => readUpdateCheck({ params, query, header: () => deviceId })
  if (expected === null) expect(read).toThrow('expected')
  else {
    const { check, ...place } = read()
    const { deviceId, nativeVersion, attributes } = check
    const told = { ...place, deviceId, nativeVersion, attributes }
    expect({ ...told, formats: takes(attributes ?? {}).binaries?.formats }).toEqual(expected)
  }
})

test.each(answers)('Tauri §3: $comment', ({ params, query, decision, expected }) => {
  const request = { params, query, publicUrl: 'https://updates.example.com' }
  const render = () => renderDecision({ decision } as UpdateAnswer, request as Parameters<typeof renderDecision>[1])
  if (expected === null) {
    expect(render).toThrow('stopped')
    return
  }
  const { status, body } = render()
  expect({ status, body: body === '' ? '' : JSON.parse(textOf(body)) }).toEqual(expected)
})

describe('an app', async () => {
  const server = await startTestServer({ env: { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' } })
  afterAll(() => server.close())
  const app = await server.createTestApp({ checkAccess: 'open', platforms: ['linux'] })
  const key = newMinisignKey()
  const at = `/manage/v1/apps/${app.slug}`
  const keyId = (await server.request('POST', `${at}/keys`, { body: { algorithm: 'minisign', publicKey: key.pubkey } }))
    .body.id
  const ask = (version: string, { arch = 'x86_64', headers = {}, query = '' } = {}) =>
    server.request('GET', `/tauri/${app.slug}/production/linux/${arch}/${version}${query}`, { token: null, headers })

  async function publish(version: string, changes: object = {}, isSigned = true) {
    const bytes = appImage(Buffer.from(version))
    const files = [{ name: `Demo_${version}_amd64.AppImage`, bytes, architecture: 'amd64' }]
    const published = await publishBinary(server, app, { platform: 'linux', version, files, ...changes })
    const signatures = [{ subject: sha256Of(bytes), value: key.signFile(bytes, { version }) }]
    if (isSigned) {
      await server.request('POST', `${at}/releases/${published.releaseId}/signatures`, {
        body: { scheme: 'minisign', keyId, signatures },
      })
    }
    return published
  }

  test('is offered what is newer and signed, and told nothing else', async () => {
    await publish('1.0.0')
    await publish('1.1.0', {}, false)
    const { status, body, headers } = await ask('0.9.0')
    expect([status, headers['cache-control']]).toEqual([200, 'no-store'])
    expect(body).toMatchObject({ version: '1.0.0', mandatory: false })
    expect(Object.keys(body.platforms)).toEqual(['linux-x86_64-appimage', 'linux-x86_64'])
    expect(new URL(body.platforms['linux-x86_64'].url).pathname).toBe(
      `/artifacts/${sha256Of(appImage(Buffer.from('1.0.0')))}`,
    )
    const nothing = [
      await ask('1.0.0'),
      await ask('1.0.1'),
      await ask('0.9.0', { arch: 'aarch64' }),
      await ask('0.9.0', { query: '?bundle_type=deb' }),
    ]
    for (const answer of nothing) {
      expect([answer.status, answer.body, answer.headers['content-length']]).toEqual([204, '', undefined])
    }
    const elsewhere = `/tauri/${app.slug}/nowhere/linux/x86_64/1.0.0`
    expect(await server.request('GET', elsewhere, { token: null })).toMatchObject({
      status: 404,
      body: { code: 'channel-not-found' },
    })
  })

  test('passes over what has signed files of its system that nothing there installs', async () => {
    const bytes = Buffer.from('1f8b0800', 'hex')
    const files = [{ name: 'Demo.tar.gz', bytes, architecture: 'amd64' }]
    const { releaseId } = await publishBinary(server, app, { platform: 'linux', version: '1.1.5', files })
    const signatures = [{ subject: sha256Of(bytes), value: key.signFile(bytes, { version: '1.1.5' }) }]
    const signed = await server.request('POST', `${at}/releases/${releaseId}/signatures`, {
      body: { scheme: 'minisign', keyId, signatures },
    })
    expect(signed.status).toBe(200)
    expect((await ask('0.9.0')).body).toMatchObject({ version: '1.0.0' })
  })

  test('is in a rollout by the id that it sends, and in none without', async () => {
    await publish('1.2.0', { percentage: 50 })
    const ids = Array.from({ length: 20 }, (_, index) => `device-${index}`)
    const versions = await Promise.all(
      ids.map(async (id) => (await ask('0.9.0', { headers: { 'x-device-id': id } })).body.version),
    )
    expect(new Set(versions)).toEqual(new Set(['1.0.0', '1.2.0']))
    expect((await ask('0.9.0')).body.version).toBe('1.0.0')
    const device = (await server.request('GET', `${at}/devices/device-1`)).body
    expect(device).toMatchObject({ dialect: 'tauri', nativeVersion: '0.9.0', attributes: { architecture: 'x86_64' } })
  })
})
