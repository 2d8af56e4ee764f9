import { describeOnEveryDatabase, startTestServer, type TestServer } from '@hotpatch/testkit'
import type { App } from '@hotpatch/api'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

describeOnEveryDatabase('what is in an appcast', (open) => {
  let server: TestServer
  let app: App
  beforeAll(async () => {
    server = await startTestServer({ database: await open() })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp({ platforms: ['macos', 'windows'], checkAccess: 'open' })
  })

  let digests = 0
  async function publish(version: string, more: object = {}): Promise<string> {
    digests += 1
    const body = {
      platform: 'macos',
      version,
      download_url: `https://downloads.example.com/editor-${version}.dmg`,
      file_size: 7,
      checksum: digests.toString(16).padStart(64, '0'),
      ...more,
    }
    const answer = await server.request('POST', `/apps/${app.slug}/api/updates/publish`, { body })
    expect(answer.status).toBe(201)
    return answer.body.id
  }
  const read = async (path = '/appcast.xml', prefix = `/apps/${app.slug}`): Promise<string[]> => {
    const { status, body } = await server.request('GET', prefix + path, { token: null })
    expect(status).toBe(200)
    return [...String(body).matchAll(/<item>\s*<title>([^<]+)</g)].map(([, title]) => title ?? '')
  }
  const rolloutOf = async (version: string) => {
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts`)
    const found = (body.items as { id: string; version: string }[]).find((each) => each.version === version)
    return found?.id ?? ''
  }

  test('of all platforms of the app, or of one', async () => {
    await publish('1.0.0+1')
    await publish('1.1.0+2')
    const windows = { platform: 'windows', download_url: 'https://downloads.example.com/editor.exe' }
    await publish('1.0.5+1', windows)
    expect(await read()).toEqual(['1.1.0+2', '1.0.0+1', '1.0.5+1'])
    expect(await read('/appcast.xml?platform=windows')).toEqual(['1.0.5+1'])
    expect(await read('/channels/beta/appcast.xml')).toEqual([])
  })

  test('nothing that is not in force for everyone', async () => {
    await publish('1.0.0+1')
    await publish('1.1.0+2', { rollout_percentage: 50 })
    await publish('1.2.0+3', { publish_at: '2999-01-01T00:00:00Z' })
    await publish('1.3.0+4', { rules: [{ attribute: 'model', in: ['Mac'] }] })
    const paused = await publish('1.4.0+5')
    await server.request('POST', `/apps/${app.slug}/api/updates/deactivate/${paused}`)
    await publish('1.5.0+6')
    await server.request('POST', `/manage/v1/rollouts/${await rolloutOf('1.5.0+6')}/halt`, { body: {} })
    await publish('1.6.0+7', { channel: 'beta' })
    expect(await read()).toEqual(['1.0.0+1'])
    expect(await read('/appcast.xml?channel=beta')).toEqual(['1.6.0+7'])
    expect(await read('/channels/beta/appcast.xml')).toEqual(['1.6.0+7'])
  })

  test('after a roll-back nothing that is newer than what was rolled back to', async () => {
    await publish('1.0.0+1')
    await publish('1.1.0+2')
    const to = { platform: 'macos', channel: 'production', to: { version: '1.0.0+1' } }
    await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body: to })
    const items = await read()
    expect(items).not.toContain('1.1.0+2')
    expect(items[0]).toBe('1.0.0+1')
  })

  test('an address that asks for what there is none of', async () => {
    const at = (path: string) => server.request('GET', `/apps/${app.slug}${path}`, { token: null })
    expect((await at('/appcast.xml?for=winsparkle')).body).toMatch(/^invalid-request: .*sparkle or upgrader/)
    expect((await at('/appcast.xml?platform=symbian')).status).toBe(400)
    expect((await at('/channels/nowhere/appcast.xml')).body).toMatch(/^channel-not-found: /)
  })
})
