import { startTestServer, type TestResponse, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** In every answer that people get. */
const EVERYWHERE = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': expect.stringContaining('camera=()'),
  'content-security-policy': expect.stringMatching(/default-src '(?:none|self)'.*frame-ancestors 'none'/),
}
/** Whoever fetches from here is a device. */
const DOWNLOADS = /^\/(?:artifacts|assets|edge|apps\/:slug\/assets)\//

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  const app = await server.createTestApp({ slug: 'shown' })
  const pages = `/manage/v1/apps/${app.slug}/install-pages`
  await server.request('PUT', `${pages}/production`, { body: { access: 'open' } })
  await server.request('PUT', `${pages}/beta`, { body: { access: 'protected', password: 'open sesame' } })
})
afterAll(() => server.close())

const open = (url: string, token: string | null = null) =>
  server.request('GET', url, { token, headers: { accept: 'text/html,*/*;q=0.8' } })

/** An address of a route, with what there is where it names something. */
function fill(route: string): string {
  return route
    .replace(':slug', 'shown')
    .replace(':app', 'shown')
    .replace(':channel', 'production')
    .replace(':type', 'not-found')
    .replace(/:\w+/g, '019b0000-0000-7000-8000-000000000000')
    .replace('*', '')
}

function directives({ headers }: TestResponse): Map<string, string> {
  const parts = String(headers['content-security-policy']).split(';')
  return new Map(parts.map((part) => /^\s*([\w-]+)\s*(.*?)\s*$/.exec(part)?.slice(1, 3) as [string, string]))
}

describe('what a browser is told', () => {
  test('stands in the answer of every route for people, with a token and without', async () => {
    const routes = server.app.http.declaredRoutes.filter(({ method }) => [method].flat().includes('GET'))
    const without: string[] = []
    for (const { url } of routes) {
      if (DOWNLOADS.test(url) || url.endsWith('/stream')) continue
      for (const token of [null, server.ownerToken]) {
        const answer = await open(fill(url), token)
        const isWhole = Object.entries(EVERYWHERE).every(([name, value]) =>
          typeof value === 'string' ? answer.headers[name] === value : value.asymmetricMatch(answer.headers[name]),
        )
        if (!isWhole || answer.headers['strict-transport-security'] !== undefined) without.push(url)
        // Who asks decides what is said: nothing of it is kept, but by those who may keep it for themselves.
        if (!/no-store|no-cache|private|immutable/.test(String(answer.headers['cache-control']))) without.push(url)
      }
    }
    expect(without).toEqual([])
    expect(routes.length).toBeGreaterThan(60)
  })

  test.each([
    ['the front page', '/', 200],
    ['the reference of the API', '/manage/v1/reference/', 200],
    ['an install page', '/apps/shown/install/production', 200],
    ['one that asks for its password', '/apps/shown/install/beta', 401],
    ['one that is not there', '/apps/shown/install/nightly', 404],
  ])('lets %s run no script that is written into it', async (_name, url, status) => {
    const answer = await open(url)
    expect([answer.status, answer.headers['content-type']]).toEqual([status, expect.stringContaining('text/html')])
    expect(answer.headers).toMatchObject(EVERYWHERE)
    const policy = directives(answer)
    const scripts = policy.get('script-src') ?? policy.get('default-src') ?? '*'
    expect(scripts).toMatch(/^'(?:none|self)'$/)
    expect(policy.get('frame-ancestors')).toBe("'none'")
    const html = String(answer.body)
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)/i)
    expect(html).not.toMatch(/<[^>]+\son\w+=/i)
    expect(html).not.toMatch(/<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?\/\//i)
  })

  test('stands in what is refused before there is a route', async () => {
    for (const url of ['/nowhere', '/problems/nothing', '/%zz']) {
      const answer = await open(url)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.headers).toMatchObject(EVERYWHERE)
    }
  })

  test('is to come by https only, once it came so', async () => {
    const behind = await startTestServer({ env: { HOTPATCH_TRUST_PROXY: '127.0.0.1' } })
    const secure = await startTestServer({ env: { HOTPATCH_PUBLIC_URL: 'https://ota.example.com' } })
    const asked = { token: null, headers: { accept: 'text/html', 'x-forwarded-proto': 'https' } }
    const told = await behind.request('GET', '/', asked)
    expect(told.headers['strict-transport-security']).toBe('max-age=31536000')
    const plain = await behind.request('GET', '/', { ...asked, headers: { accept: 'text/html' } })
    expect(plain.headers['strict-transport-security']).toBeUndefined()
    const known = await secure.request('GET', '/', { ...asked, headers: { accept: 'text/html' } })
    expect(known.headers['strict-transport-security']).toBe('max-age=31536000')
    // Nobody is believed who is no proxy.
    const invented = await server.request('GET', '/', asked)
    expect(invented.headers['strict-transport-security']).toBeUndefined()
    await behind.close()
    await secure.close()
  })

  test('is not what devices are told', async () => {
    const app = await server.createTestApp()
    const answers = [await server.check(app), await open(`/artifacts/${'a'.repeat(64)}`)]
    for (const { headers } of answers) {
      for (const name of Object.keys(EVERYWHERE)) expect(headers).not.toHaveProperty(name)
    }
  })
})
