import { createHash } from 'node:crypto'
import type { InstallPage } from '@hotpatch/api'
import { describeOnEveryDatabase, fixedClock, problemOf, startTestServer, type TestServer } from '@hotpatch/testkit'
import { anApk, anIpa, aPng, writeBinaryPlist } from '@hotpatch/testkit/binaries'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

const HOUR_MS = 3_600_000
const ANDROID = 'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36'
const PASSWORD = 'correct horse battery'

describeOnEveryDatabase('install pages', (openDatabase) => {
  const clock = fixedClock()
  let server: TestServer
  let slug: string

  beforeAll(async () => {
    const env = { HOTPATCH_PUBLIC_URL: 'https://updates.test' }
    server = await startTestServer({ database: await openDatabase(), env, clock })
  })
  beforeEach(async () => {
    clock.advance(HOUR_MS) // nothing is counted any more of what addresses have guessed
    slug = (await server.createTestApp({ name: 'Shop & Co', platforms: ['android', 'ios', 'windows'] })).slug
  })
  afterAll(() => server.close())

  interface Published {
    name: string
    bytes: Buffer
    platform?: string
    version?: string
    format?: string
    more?: object
  }

  async function publish({
    name,
    bytes,
    platform = 'android',
    version = '1.0.0',
    format = 'apk',
    more = {},
  }: Published) {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const query = `kind=binary&name=${encodeURIComponent(name)}`
    const uploaded = await server.request('PUT', `/manage/v1/apps/${slug}/artifacts/${sha256}?${query}`, {
      body: bytes,
      headers: { 'content-type': 'application/octet-stream' },
    })
    expect([uploaded.status, uploaded.body]).toEqual([200, expect.anything()])
    const files = [{ name, architecture: 'any', format, sha256, sizeBytes: bytes.length }]
    const metadata = { platform, version, content: { kind: 'binary', files }, ...more }
    const published = await server.request('POST', `/manage/v1/apps/${slug}/releases`, { body: { metadata } })
    expect([published.status, published.body]).toEqual([201, expect.anything()])
    return { sha256, releaseId: published.body.releaseId as string }
  }

  const open = (body: object = { access: 'open' }, channel = 'production') =>
    server.request('PUT', `/manage/v1/apps/${slug}/install-pages/${channel}`, { body })

  const visit = (path = '', headers: Record<string, string> = {}) =>
    server.request('GET', `/apps/${slug}/install${path}`, { token: null, headers })

  const signIn = (password: string, from = '192.0.2.1', path = '/production') =>
    server.request('POST', `/apps/${slug}/install${path}`, {
      token: null,
      from,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `password=${encodeURIComponent(password)}`,
    })

  test('there is none until somebody opens it, and nobody learns of the app', async () => {
    await publish({ name: 'shop.apk', bytes: anApk() })
    const closed = await visit()
    const absent = await server.request('GET', '/apps/nowhere/install', { token: null })
    expect([closed.status, absent.status, closed.body]).toEqual([404, 404, absent.body])
    expect(problemOf(await visit('/production/changelog.json'))).toBe('404 install-page-not-found')
    const { body } = await open()
    expect(body).toEqual({
      channel: 'production',
      access: 'open',
      hasPassword: false,
      url: `https://updates.test/apps/${slug}/install/production`,
      changedAt: expect.any(String),
    } satisfies InstallPage)
    expect((await visit()).status).toBe(200)
    await server.request('DELETE', `/manage/v1/apps/${slug}/install-pages/production`)
    expect((await visit()).status).toBe(404)
  })

  test('the newest version with its file, under its own name', async () => {
    const bytes = anApk({ version: '1.1.0', versionCode: 11 })
    await publish({ name: 'shop-1.0.0.apk', bytes: anApk() })
    const { releaseId } = await publish({
      name: 'Shop größe.apk',
      bytes,
      version: '1.1.0',
      more: { notes: '# New\n\n* faster' },
    })
    await open()
    const { body, headers } = await visit('', { 'user-agent': ANDROID })
    const file = `https://updates.test/apps/${slug}/install/production/files/${releaseId}/Shop%20gr%C3%B6%C3%9Fe.apk`
    expect(body).toContain(`class="button" href="${file}"`)
    expect(body).toContain('<h1>Shop &#38; Co</h1>')
    expect(body).toContain('<dd>1.1.0 (11)</dd>')
    expect(body).toContain('<dd>Android 7.0 or later</dd>')
    expect(body).toContain('<p class="heading">New</p>')
    expect(body).toContain('Android developer verification')
    expect(body.indexOf('1.1.0')).toBeLessThan(body.indexOf('1.0.0'))
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+'; img-src 'self'/,
    )
    expect(headers['cache-control']).toBe('private, no-store')
    const download = await server.request('GET', new URL(file).pathname, { token: null })
    expect(download.status).toBe(200)
    expect(download.headers).toMatchObject({
      'content-type': 'application/vnd.android.package-archive',
      'content-disposition': `attachment; filename="Shop gr__e.apk"; filename*=UTF-8''Shop%20gr%C3%B6%C3%9Fe.apk`,
      'content-length': String(bytes.length),
    })
    const part = await server.request('GET', new URL(file).pathname, { token: null, headers: { range: 'bytes=0-3' } })
    expect([part.status, part.body]).toEqual([206, 'PK\u0003\u0004'])
    const icon = /<img src="([^"]+)"/.exec(body)?.[1]
    const picture = await server.request('GET', `/apps/${slug}/${icon}`, { token: null })
    expect([picture.status, picture.headers['content-type']]).toEqual([200, 'image/png'])
    expect(picture.headers['content-length']).toBe(String(aPng(96).length))
  })

  test('a download from the page is one of the release', async () => {
    const { releaseId } = await publish({ name: 'shop.apk', bytes: anApk() })
    await open()
    await visit(`/production/files/${releaseId}/shop.apk`)
    await server.request('GET', `/manage/v1/apps/${slug}/devices`)
    const { body } = await server.request('GET', `/manage/v1/apps/${slug}/insights/downloads`)
    expect(JSON.stringify(body)).toContain(releaseId)
  })

  test('after a roll-back nothing that is newer, as nobody can go back from there', async () => {
    await publish({ name: 'shop-1.0.0.apk', bytes: anApk() })
    await publish({
      name: 'shop-2.0.0.apk',
      bytes: anApk({ version: '2.0.0', versionCode: 2 }),
      version: '2.0.0',
    })
    await open()
    expect((await visit()).body).toContain('shop-2.0.0.apk')
    const to = { platform: 'android', channel: 'production', to: { version: '1.0.0' } }
    await server.request('POST', `/manage/v1/apps/${slug}/rollbacks`, { body: to })
    const { body } = await visit()
    expect(body).toContain('shop-1.0.0.apk')
    expect(body).not.toContain('2.0.0')
    const { body: log } = await visit('/production/changelog.json')
    expect(log.platforms.android.map(({ version }: { version: string }) => version)).toEqual(['1.0.0'])
  })

  test.each([
    [28, 'Android 9'],
    [19, 'Android with API level 19'],
  ])('the API level %d by the name that people know', async (minSdk, name) => {
    await publish({ name: 'shop.apk', bytes: anApk({ minSdk }) })
    await open()
    expect((await visit()).body).toContain(`<dd>${name} or later</dd>`)
  })

  test('never what is rolled out to a part, is paused, or was rolled back', async () => {
    await publish({ name: 'shop-1.0.0.apk', bytes: anApk() })
    await publish({
      name: 'shop-2.0.0.apk',
      bytes: anApk({ version: '2.0.0', versionCode: 2 }),
      version: '2.0.0',
      more: { percentage: 50 },
    })
    await open()
    const { body } = await visit()
    expect(body).toContain('1.0.0')
    expect(body).not.toContain('2.0.0')
    expect(body).toContain('appears here once it is for everyone')
    const { body: log } = await visit('/production/changelog.json')
    expect(log.platforms.android.map(({ version }: { version: string }) => version)).toEqual(['1.0.0'])
  })

  test('an IPA is installed by the system, from a manifest', async () => {
    const bytes = anIpa({ version: '2.0.0', name: 'A <b> & c' })
    const { releaseId } = await publish({ name: 'shop.ipa', bytes, platform: 'ios', version: '2.0.0', format: 'ipa' })
    await open()
    const { body } = await visit('', { 'user-agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)' })
    expect(body.indexOf('iPhone and iPad (this device)')).toBeGreaterThan(0)
    const found = /href="itms-services:\/\/\?action=download-manifest&#38;url=([^"]+)"/.exec(body)?.[1] ?? ''
    const manifestUrl = decodeURIComponent(found)
    expect(manifestUrl).toBe(
      `https://updates.test/apps/${slug}/install/production/manifests/${releaseId}/shop.ipa.plist`,
    )
    expect(body).toContain('For 2 registered devices only, until 2030-01-01.')
    const manifest = await server.request('GET', new URL(manifestUrl).pathname, { token: null })
    expect(manifest.headers['content-type']).toBe('text/xml; charset=utf-8')
    expect(manifest.body).toContain('<key>bundle-identifier</key><string>com.example.app</string>')
    expect(manifest.body).toContain('<key>bundle-version</key><string>2.0.0</string>')
    expect(manifest.body).toContain('<key>title</key><string>A &#60;b&#62; &#38; c</string>')
    const ipa = /<string>(https:[^<]+shop\.ipa)<\/string>/.exec(manifest.body)?.[1] ?? ''
    expect((await server.request('GET', new URL(ipa).pathname, { token: null })).headers['content-length']).toBe(
      String(bytes.length),
    )
  })

  test.each([
    ['a profile of the past', { profile: { expiresAt: '2020-01-01T00:00:00Z' } }, 'was signed for a time that is over'],
    ['the App Store', { profile: { type: 'store' as const } }, 'only the App Store and TestFlight can'],
    ['no profile', { profile: null }, 'only the App Store and TestFlight can'],
  ])('an IPA for %s has no button', async (_what, facts, reason) => {
    await publish({ name: 'shop.ipa', bytes: anIpa(facts), platform: 'ios', format: 'ipa' })
    await open()
    const { body } = await visit()
    expect(body).toContain(reason)
    expect(body).not.toContain('itms-services')
  })

  test('notes are Markdown, and no HTML of their own', async () => {
    const notes = [
      '<script>alert(1)</script>',
      '[a](javascript:alert(1)) [b](https://b.test "t") ![c](https://c.test/c.png)',
      '<img src=x onerror=alert(1)>',
      '&lt;b&gt; **bold** `<code>`',
    ].join('\n\n')
    await publish({ name: 'shop.apk', bytes: anApk(), more: { notes } })
    await open()
    const { body } = await visit()
    expect(body).not.toMatch(/<script|<img src=x|javascript:[^)]*"|onerror="/)
    expect(body).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(body).toContain('<a href="https://b.test" title="t" rel="noopener noreferrer nofollow">b</a>')
    expect(body).toContain('<strong>bold</strong>')
    const { body: log, headers } = await visit('/production/changelog.json')
    expect(headers['access-control-allow-origin']).toBe('*')
    expect(log.platforms.android[0]).toMatchObject({ version: '1.0.0', notes })
    expect(log.platforms.android[0].notesHtml).not.toContain('<script')
  })

  test('a password lets in, a wrong one does not, and another one ends what came before', async () => {
    const { sha256, releaseId } = await publish({ name: 'shop.apk', bytes: anApk() })
    const { body } = await open({ access: 'protected', password: PASSWORD })
    expect(body).toMatchObject({ access: 'protected', hasPassword: true })
    const asked = await visit()
    expect([asked.status, asked.body.includes('type="password"'), asked.body.includes(sha256)]).toEqual([
      401,
      true,
      false,
    ])
    const file = `/production/files/${releaseId}/shop.apk`
    expect(problemOf(await visit(file))).toBe('401 authentication-required')
    expect(problemOf(await visit('/production/changelog.json'))).toBe('401 authentication-required')

    const wrong = await signIn('correct horse batterx')
    expect([wrong.status, wrong.headers['set-cookie']]).toEqual([401, undefined])
    expect(wrong.body).toContain('role="alert"')
    const right = await signIn(PASSWORD)
    expect([right.status, right.headers.location]).toEqual([303, 'production'])
    const cookie = String(right.headers['set-cookie'])
    const [value, ...attributes] = cookie.split('; ')
    expect(value).toMatch(/^hotpatch-install-production=[\w.-]+$/)
    const expected = [`Path=/apps/${slug}/install`, 'HttpOnly', 'SameSite=Lax', 'Secure', 'Max-Age=43200']
    expect(attributes).toEqual(expected)
    const kept = { cookie: cookie.split(';', 1)[0] ?? '' }
    expect((await visit('', kept)).status).toBe(200)
    expect((await visit(file, kept)).status).toBe(200)
    // What the page says of another channel is not of this one.
    await open({ access: 'protected', password: PASSWORD }, 'staging')
    const elsewhere = { cookie: kept.cookie.replace('production', 'staging') }
    expect((await visit('/staging', elsewhere)).status).toBe(401)

    clock.advance(13 * HOUR_MS)
    expect((await visit('', kept)).status).toBe(401)
    const again = { cookie: String((await signIn(PASSWORD)).headers['set-cookie']).split(';', 1)[0] ?? '' }
    expect((await visit('', again)).status).toBe(200)
    await open({ access: 'protected' })
    expect((await visit('', again)).status).toBe(401)
    expect((await signIn(PASSWORD)).status).toBe(303)
  })

  test('guesses are counted, for an address and for the page', async () => {
    await open({ access: 'protected', password: PASSWORD })
    for (let guess = 0; guess < 10; guess += 1) expect((await signIn(`guess ${guess}`)).status).toBe(401)
    const refused = await signIn(PASSWORD)
    expect([refused.status, Number(refused.headers['retry-after']) > 0]).toEqual([429, true])
    expect((await signIn(PASSWORD, '198.51.100.1')).status).toBe(303)
    clock.advance(60_000)
    expect((await signIn(PASSWORD)).status).toBe(303)
  })

  test('one address cannot keep the others from signing in', async () => {
    await open({ access: 'protected', password: PASSWORD })
    for (let guess = 0; guess < 150; guess += 1) await signIn(`guess ${guess}`)
    expect((await signIn(PASSWORD, '198.51.100.1')).status).toBe(303)
  })

  test('a link that lets nobody in changes nothing for who is in already', async () => {
    await open({ access: 'protected', password: PASSWORD })
    const kept = { cookie: String((await signIn(PASSWORD)).headers['set-cookie']).split(';', 1)[0] ?? '' }
    for (const pass of ['over', 'x; Path=/; Domain=example.com', 'x\r\nx-own: 1', 'größe']) {
      const { status, headers } = await visit(`?pass=${encodeURIComponent(pass)}`, kept)
      expect([status, headers['set-cookie']]).toEqual([200, undefined])
    }
  })

  test('notes are neither more than a page can hold nor anything that something but a browser opens', async () => {
    const table = `|${'a|'.repeat(300)}\n|${'-|'.repeat(300)}\n${'|\n'.repeat(3_000)}`
    const links = [
      'javascript:alert(1)',
      'intent://a',
      'itms-services://?action=x',
      'blob:https://a',
      'data:image/png,x',
    ]
    const notes = `${links.map((link) => `[x](${link})`).join(' ')} [y](https://example.com/) [z](mailto:a@example.com)`
    await publish({ name: 'a.apk', bytes: anApk(), more: { notes } })
    await publish({ name: 'b.apk', bytes: anApk({ version: '1.1.0' }), version: '1.1.0', more: { notes: table } })
    await open()
    const { body } = await visit()
    expect(body.length).toBeLessThan(100_000)
    const addresses = [...body.matchAll(/<div class="notes">.*?<\/div>/gs)].flatMap(([entry]) => [
      ...entry.matchAll(/href="([^"]+)"/g),
    ])
    expect(addresses.map(([, address]) => address)).toEqual(['https://example.com/', 'mailto:a@example.com'])
  })

  test('a name with what no XML has makes no manifest that a phone cannot read', async () => {
    const info = writeBinaryPlist({
      CFBundleIdentifier: 'com.example.app',
      CFBundleShortVersionString: '1.0.0',
      CFBundleName: 'a\u0001\ud800<b>',
    })
    const { releaseId } = await publish({ name: 'shop.ipa', bytes: anIpa({ info }), platform: 'ios', format: 'ipa' })
    await open()
    const { body } = await visit(`/production/manifests/${releaseId}/shop.ipa.plist`)
    expect(body).toContain('<string>a\ufffd\ufffd&#60;b&#62;</string>')
  })

  test('a file elsewhere is gone to', async () => {
    const url = 'https://downloads.example.com/gr%C3%B6%C3%9Fe/a.apk?x=1'
    const files = [{ name: 'a.apk', architecture: 'any', format: 'apk', sha256: 'a'.repeat(64), sizeBytes: 7, url }]
    const metadata = { platform: 'android', version: '3.0.0', content: { kind: 'binary', files } }
    const { body } = await server.request('POST', `/manage/v1/apps/${slug}/releases`, { body: { metadata } })
    await open()
    const { status, headers } = await visit(`/production/files/${body.releaseId}/a.apk`)
    expect([status, headers.location, headers['cache-control']]).toEqual([302, url, 'private, no-store'])
  })

  test('a link lets in until its time is over, also what the system fetches by itself', async () => {
    await publish({ name: 'shop.ipa', bytes: anIpa(), platform: 'ios', format: 'ipa' })
    await open({ access: 'protected' })
    expect((await visit()).body).toContain('gives links to it')
    expect((await signIn('anything')).status).toBe(401)
    const link = await server.request('POST', `/manage/v1/apps/${slug}/install-pages/production/links`, {
      body: { expiresInHours: 2 },
    })
    expect(link.status).toBe(201)
    const { pathname, search } = new URL(link.body.url)
    const shown = await server.request('GET', pathname + search, { token: null })
    expect([shown.status, String(shown.headers['set-cookie']).includes('HttpOnly')]).toEqual([200, true])
    const manifest = new URL(decodeURIComponent(/url=(https%3A[^"]+)"/.exec(shown.body)?.[1] ?? ''))
    const fetched = await server.request('GET', manifest.pathname + manifest.search, { token: null })
    expect(fetched.status).toBe(200)
    const ipa = new URL((/<string>(https:[^<]+)<\/string>/.exec(fetched.body)?.[1] ?? '').replaceAll('&#38;', '&'))
    expect((await server.request('GET', ipa.pathname + ipa.search, { token: null })).status).toBe(200)
    for (const changed of [
      search.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      search.replace('=', '=z'),
      '?pass=',
    ]) {
      expect((await server.request('GET', pathname + changed, { token: null })).status).toBe(401)
    }
    clock.advance(2 * HOUR_MS)
    expect((await server.request('GET', pathname + search, { token: null })).status).toBe(401)
  })

  test('changes are audited, without password, hash or link', async () => {
    await open({ access: 'protected', password: PASSWORD })
    const { body: link } = await server.request('POST', `/manage/v1/apps/${slug}/install-pages/production/links`, {
      body: { expiresInHours: 1 },
    })
    await server.request('DELETE', `/manage/v1/apps/${slug}/install-pages/production`)
    const { body } = await server.request('GET', `/manage/v1/audit?app=${slug}&limit=100`)
    const actions = body.items.map(({ action }: { action: string }) => action)
    expect(actions).toEqual(expect.arrayContaining(['install-page.opened', 'install-link.made', 'install-page.closed']))
    const text = JSON.stringify(body)
    for (const secret of [PASSWORD, 'scrypt', new URL(link.url).searchParams.get('pass')])
      expect(text).not.toContain(secret)
  })

  test.each([
    ['no access', {}, 'production', '400 invalid-request'],
    ['a short password', { access: 'protected', password: '1234567' }, 'production', '400 invalid-request'],
    ['a channel that is not there', { access: 'open' }, 'nowhere', '404 channel-not-found'],
  ])('is not opened with %s', async (_what, body, channel, expected) => {
    expect(problemOf(await open(body, channel))).toBe(expected)
  })

  test('what is not on the page is not served from it', async () => {
    const { releaseId } = await publish({ name: 'shop.apk', bytes: anApk() })
    await open()
    for (const path of [`${releaseId}/other.apk`, `${releaseId}/..%2Fshop.apk`, 'nothing/shop.apk']) {
      expect(problemOf(await visit(`/production/files/${path}`))).toBe('404 artifact-not-found')
    }
    expect(problemOf(await visit(`/production/icons/${'0'.repeat(64)}`))).toBe('404 artifact-not-found')
    expect(problemOf(await visit('/production/icons/..'))).toMatch(/^404/)
  })
})
