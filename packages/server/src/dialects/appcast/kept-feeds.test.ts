import { startTestServer, type TestServer } from '@hotpatch/testkit'
import type { App } from '@hotpatch/api'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

const KEPT = 'public, max-age=10, stale-while-revalidate=30'

describe('an appcast that others may keep', () => {
  let server: TestServer
  let app: App
  beforeAll(async () => {
    server = await startTestServer({ env: { HOTPATCH_PUBLIC_URL: 'https://updates.example.com' } })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp({ platforms: ['macos'], checkAccess: 'open' })
  })

  let digests = 0
  async function publish(version: string, slug = app.slug): Promise<string> {
    digests += 1
    const body = {
      platform: 'macos',
      version,
      download_url: `https://downloads.example.com/editor-${version}.dmg`,
      file_size: 7,
      checksum: digests.toString(16).padStart(64, '0'),
    }
    const { body: published } = await server.request('POST', `/apps/${slug}/api/updates/publish`, { body })
    return published.id
  }

  const ask = (headers: Record<string, string> = {}, path = `/apps/${app.slug}/appcast.xml`) =>
    server.request('GET', path, { token: null, headers })

  test('is kept as long as the pointer of an edge, and whoever has it is told so', async () => {
    await publish('1.0.0+1')
    const first = await ask()
    expect(first.headers['cache-control']).toBe(KEPT)
    expect(String(first.headers.vary)).toContain('x-app-key')
    const tag = String(first.headers.etag)
    expect(tag).toMatch(/^W\/"[\w-]{22}"$/)
    const again = await ask({ 'if-none-match': `"another", ${tag}` })
    expect([again.status, String(again.body ?? ''), again.headers.etag]).toEqual([304, '', tag])
    expect(again.headers['cache-control']).toBe(KEPT)
    expect((await ask({ 'if-none-match': '"another"' })).status).toBe(200)
    // What groups Sparkle makes by itself, it makes of the same feed.
    const phased = await ask({}, `/apps/${app.slug}/appcast.xml?phased=86400`)
    expect(phased.headers['cache-control']).toBe(KEPT)
    expect(phased.headers.etag).not.toBe(tag)
  })

  test('is another one when a release was halted', async () => {
    await publish('1.0.0+1')
    const before = await ask()
    await publish('1.1.0+2')
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts`)
    const [newest] = body.items as { id: string }[]
    const with110 = await ask({ 'if-none-match': String(before.headers.etag) })
    expect([with110.status, String(with110.body)]).toEqual([200, expect.stringContaining('1.1.0')])
    await server.request('POST', `/manage/v1/rollouts/${newest?.id}/halt`, { body: {} })
    const halted = await ask({ 'if-none-match': String(with110.headers.etag) })
    expect([halted.status, String(halted.body)]).toEqual([200, expect.not.stringContaining('1.1.0')])
    expect(halted.headers.etag).toBe(before.headers.etag)
  })

  test('is not that of an app with a key, whoever asks', async () => {
    const closed = await server.createTestApp({ platforms: ['macos'], checkAccess: 'app-key' })
    await publish('1.0.0+1', closed.slug)
    const path = `/apps/${closed.slug}/appcast.xml`
    const allowed = await ask({ 'x-app-key': closed.appKey }, path)
    expect([allowed.status, allowed.headers['cache-control']]).toEqual([200, 'no-store'])
    expect(allowed.headers).not.toHaveProperty('etag')
    const refused = await ask({}, path)
    expect([refused.status, refused.headers['cache-control']]).toEqual([401, 'no-store'])
  })

  test('is not one of an app in which a key says which channel', async () => {
    await publish('1.0.0+1')
    const body = { channel: 'production', platform: 'macos' }
    expect((await server.request('POST', `/manage/v1/apps/${app.slug}/channel-keys`, { body })).status).toBe(201)
    expect((await ask()).headers['cache-control']).toBe('no-store')
  })

  test('is none that cannot be told, such as of a channel that is not there', async () => {
    const { status, headers } = await ask({}, `/apps/${app.slug}/channels/nowhere/appcast.xml`)
    expect([status >= 400, headers['cache-control']]).toEqual([true, 'no-store'])
    await server.request('DELETE', `/manage/v1/apps/${app.slug}`)
    const gone = await ask()
    expect([gone.status >= 400, gone.headers['cache-control']]).toEqual([true, 'no-store'])
  })
})

test('nobody keeps what was written for the host that a request named', async () => {
  const server = await startTestServer()
  const app = await server.createTestApp({ platforms: ['macos'], checkAccess: 'open' })
  const { headers } = await server.request('GET', `/apps/${app.slug}/appcast.xml`, { token: null })
  expect(headers['cache-control']).toBe('no-store')
  await server.close()
})

test.each([
  ['electron', (slug: string) => `/electron/${slug}/latest-mac.yml`],
  ['Tauri', (slug: string) => `/tauri/${slug}/production/darwin/aarch64/1.0.0`],
])('what clients of %s are told is for one device, at the same address', async (_name, pathOf) => {
  const server = await startTestServer({ env: { HOTPATCH_PUBLIC_URL: 'https://updates.example.com' } })
  const app = await server.createTestApp({ platforms: ['macos'], checkAccess: 'open' })
  const { headers } = await server.request('GET', pathOf(app.slug), { token: null })
  expect(headers['cache-control']).toBe('no-store')
  await server.close()
})
