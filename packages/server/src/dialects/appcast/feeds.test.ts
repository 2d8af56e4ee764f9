import { describeOnEveryDatabase, sha256Of, startTestServer, type TestServer } from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import type { App } from '@hotpatch/api'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

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

  describe('deltas', () => {
    const delta = (from: number) => Buffer.concat([Buffer.from('spk!'), noise(300), Buffer.from(`from ${from}`)])
    const whole = Buffer.concat([noise(900), Buffer.from('koly'), Buffer.alloc(508)])
    const upload = (bytes: Uint8Array, name: string) =>
      server.request('PUT', `/manage/v1/apps/${app.slug}/artifacts/${sha256Of(bytes)}?kind=binary&name=${name}`, {
        body: bytes,
        headers: { 'content-type': 'application/octet-stream' },
      })
    const fileOf = (bytes: Uint8Array, name: string, format: string, more: object = {}) => {
      const file = { name, architecture: 'any', format, sha256: sha256Of(bytes), sizeBytes: bytes.length }
      return { ...file, ...more }
    }
    const publishFiles = (files: object[], more: object = {}) =>
      server.request('POST', `/manage/v1/apps/${app.slug}/releases`, {
        body: { metadata: { platform: 'macos', version: '1.2.0+3', content: { kind: 'binary', files }, ...more } },
      })
    const editor = fileOf(whole, 'Editor.dmg', 'dmg')
    const deltas = [1, 2].map((from) =>
      fileOf(delta(from), `Editor3-${from}.delta`, 'delta', { deltaFrom: String(from) }),
    )
    beforeEach(async () => {
      expect((await upload(whole, 'Editor.dmg')).status).toBe(200)
      for (const from of [1, 2]) expect((await upload(delta(from), `Editor3-${from}.delta`)).status).toBe(200)
    })

    test('are told to Sparkle, served also by pieces, and shown; nobody else is offered one', async () => {
      const { status, body: published } = await publishFiles([editor, ...deltas])
      expect(status).toBe(201)
      const at = (path: string) => server.request('GET', `/apps/${app.slug}${path}`, { token: null })
      const feed = String((await at('/appcast.xml')).body)
      const told = [...feed.matchAll(/url="([^"]+)" length="(\d+)"[^>]* sparkle:deltaFrom="([^"]+)"/g)]
      expect(told.map(([, , length, from]) => [length, from])).toEqual([
        [String(delta(1).length), '1'],
        [String(delta(2).length), '2'],
      ])
      const { pathname, search } = new URL(told[0]?.[1] ?? '')
      const piece = await server.app.http.inject({ url: pathname + search, headers: { range: 'bytes=0-3' } })
      expect([piece.statusCode, piece.body]).toEqual([206, 'spk!'])
      const { body: shown } = await server.request('GET', `/manage/v1/releases/${published.releaseId}`)
      expect(shown.content.files).toMatchObject([
        { name: 'Editor.dmg', isInstallable: true },
        { name: 'Editor3-1.delta', format: 'delta', deltaFrom: '1', isInstallable: false },
        { name: 'Editor3-2.delta', format: 'delta', deltaFrom: '2', isInstallable: false },
      ])
      await server.request('PUT', `/manage/v1/apps/${app.slug}/install-pages/production`, { body: { access: 'open' } })
      const others = ['/appcast.xml?for=upgrader', '/install/production', '/install/production/changelog.json']
      for (const path of others) {
        const answer = await at(path)
        expect([answer.status, JSON.stringify(answer.body)]).toEqual([
          200,
          expect.not.stringMatching(/\.delta|deltaFrom/),
        ])
        expect(JSON.stringify(answer.body)).toContain('1.2.0')
      }
      const check = async (formats: string[]) => {
        const asked = { platform: 'macos', current_version: '1.0.0', device_id: 'a-device', formats }
        return (await server.request('POST', `/apps/${app.slug}/api/updates/check`, { token: null, body: asked })).body
      }
      expect(await check(['dmg', 'delta'])).toMatchObject({ update_available: true, checksum: editor.sha256 })
      expect((await check(['delta', 'dmg'])).checksum).toBe(editor.sha256)
      expect((await check(['delta'])).update_available).toBe(false)
    })

    test('are deactivated with their version, of which the contract tells the file that is whole', async () => {
      const { body } = await publishFiles([editor, ...deltas])
      const off = await server.request('POST', `/apps/${app.slug}/api/updates/deactivate/${body.releaseId}`)
      expect(off.body).toMatchObject({ file_name: 'Editor.dmg', is_active: false })
      expect(await read()).toEqual([])
    })

    test.each<[string, () => object[], RegExp]>([
      ['from nothing', () => [editor, { ...deltas[0], deltaFrom: undefined }], /expected deltaFrom.*found none/],
      ['alone', () => deltas, /expected the whole app beside it, as dmg or zip for any, found none/],
      ['of another processor', () => [editor, { ...deltas[0], architecture: 'arm64' }], /for arm64, found none/],
      [
        'twice',
        () => [editor, deltas[0] ?? {}, { ...deltas[1], deltaFrom: '1' }],
        /one file for macos, any, delta, from 1/,
      ],
      ['from the build itself', () => [editor, { ...deltas[0], deltaFrom: '3' }], /a build below 3.*found one from 3/],
      ['that are none', () => [{ ...editor, deltaFrom: '1' }], /deltaFrom of a delta alone/],
    ])('%s are refused', async (_what, files, message) => {
      const { status, body } = await publishFiles(files())
      expect([status, body.detail]).toEqual([400, expect.stringMatching(message)])
    })

    test('for a system without Sparkle, or of bytes that are none, are refused', async () => {
      const windows = [{ ...deltas[0], platform: 'windows' }]
      expect((await publishFiles(windows, { platform: 'windows' })).body.detail).toMatch(/a delta for macos/)
      const noDelta = await upload(noise(50), 'Editor3-0.delta')
      expect([noDelta.status, noDelta.body.detail]).toEqual([422, expect.stringMatching(/begins with "spk!"/)])
    })
  })

  test('groups, one after the other, are in the feed of an address that asks for them', async () => {
    await publish('1.0.0+1', { is_mandatory: true })
    await publish('1.1.0+2')
    const at = (path: string) => server.request('GET', `/apps/${app.slug}${path}`, { token: null })
    const told = async (path: string) => String((await at(path)).body).match(/<sparkle:phased[^/]*/g)
    expect(await told('/appcast.xml?phased=86400')).toEqual(['<sparkle:phasedRolloutInterval>86400<'])
    expect(await told('/channels/production/appcast.xml?phased=3600')).toHaveLength(1)
    expect(await told('/appcast.xml')).toBeNull()
    for (const wrong of ['0', '59', '2592001', '1e5', '-1', '']) {
      const { status, body } = await at(`/appcast.xml?phased=${wrong}`)
      expect([status, body]).toEqual([400, expect.stringMatching(/^invalid-request: .*seconds from 60 to 2592000/)])
    }
  })

  test('an address that asks for what there is none of', async () => {
    const at = (path: string) => server.request('GET', `/apps/${app.slug}${path}`, { token: null })
    expect((await at('/appcast.xml?for=winsparkle')).body).toMatch(/^invalid-request: .*sparkle or upgrader/)
    expect((await at('/appcast.xml?platform=symbian')).status).toBe(400)
    expect((await at('/channels/nowhere/appcast.xml')).body).toMatch(/^channel-not-found: /)
  })
})
