import { createHash, createSign, generateKeyPairSync } from 'node:crypto'
import { brotliDecompressSync } from 'node:zlib'
import type { App } from '@hotpatch/api'
import {
  describeOnEveryDatabase,
  eventually,
  injectRequest,
  startTestServer,
  type TestServer,
  zipOf,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { MANIFEST } from './manifest.ts'

const script = 'console.log("hello")\n'.repeat(1_000)

const sha256Of = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex')

interface Item {
  href: string
  checksum: string
  sizeInBytes: number
}

describeOnEveryDatabase("Capawesome's plugin takes files one by one", (openDatabase) => {
  let server: TestServer
  let app: App
  beforeAll(async () => {
    // A device that asks until something is made asks more often than the limit allows, and this clock stands still.
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' }
    server = await startTestServer({ database: await openDatabase(), env })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp({ checkAccess: 'open' })
  })

  const told = { platform: '0', deviceId: 'device-1', appVersionName: '1.0.0', pluginVersion: '8.4.3' }
  const check = async (fields: object = {}) =>
    (
      await server.request(
        'GET',
        `/v1/apps/${app.slug}/bundles/latest?${new URLSearchParams({ ...told, ...fields })}`,
        { token: null },
      )
    ).body
  const publish = async (version: string, files: Record<string, string>) => {
    const bundle = await zipOf(files)
    return { ...(await server.published(app, { bundle, platform: 'any', version })), bundle }
  }
  /** As the plugin asks for a file. */
  const get = (url: string, href: string, headers = {}) => getRaw(url, encodeURIComponent(href), headers)
  const getRaw = (url: string, query: string, headers = {}) =>
    injectRequest(server.app, { url: `${new URL(url).pathname}?href=${query}`, headers })
  const listAt = async (url: string) => (await get(url, MANIFEST)).json<Item[]>()

  test('the list, and each file of it, with the checksum of what it is', async () => {
    const files = { 'index.html': '<p>1</p>', 'assets/app.js': script, 'assets/a b.css': '', 'assets/c+d.css': 'p {}' }
    await publish('1.1.0', { ...files, [MANIFEST]: '[]' })
    const { url } = await check()
    const answer = await get(url, MANIFEST)
    expect(answer.headers['x-checksum']).toBe(sha256Of(answer.rawPayload))
    const items = answer.json<Item[]>()
    // Its own one, made for the binary, would be taken for the list.
    expect(items.map(({ href }) => href)).toEqual(Object.keys(files).sort())
    for (const { href, checksum, sizeInBytes } of items) {
      const { statusCode, headers, rawPayload } = await get(url, href)
      expect([statusCode, headers['x-checksum'], rawPayload.length]).toEqual([200, checksum, sizeInBytes])
      expect(sha256Of(rawPayload)).toBe(checksum)
      expect(rawPayload.toString()).toBe(files[href as keyof typeof files])
    }
    // On iOS a plus is not escaped.
    const onIos = await getRaw(url, 'assets/c+d.css')
    expect(onIos.body).toBe('p {}')
    // It is compressed in the background.
    await eventually(async () => {
      const { headers, rawPayload } = await get(url, 'assets/app.js', { 'accept-encoding': 'br,gzip' })
      expect(headers).toMatchObject({ 'content-encoding': 'br', 'x-checksum': sha256Of(script) })
      expect(brotliDecompressSync(rawPayload).toString()).toBe(script)
    })
  })

  test('nothing but what the release lists', async () => {
    const { releaseId } = await publish('1.1.0', { 'index.html': '<p>1</p>' })
    const { url } = await check()
    for (const href of ['other.js', '../index.html', '/etc/passwd', 'index.html/', './index.html', '%2e%2e/x']) {
      const { statusCode, headers, body } = await get(url, href)
      expect([statusCode, JSON.parse(body).code, headers['x-checksum']]).toEqual([404, 'artifact-not-found', undefined])
    }
    expect((await get(url, '')).statusCode).toBe(400)
    expect((await get(url, 'x'.repeat(2_001))).statusCode).toBe(400)
    const elsewhere = async (from: string, to: string) => (await get(url.replace(from, to), 'index.html')).statusCode
    expect(await elsewhere(releaseId, '01890000-0000-7000-8000-000000000001')).toBe(404)
    expect(await elsewhere('/production/', '/beta/')).toBe(404)
    expect(await elsewhere('/production/', '/nowhere/')).toBe(404)
    expect(await elsewhere('/android/', '/beos/')).toBe(404)
    const other = await server.createTestApp({ checkAccess: 'open' })
    expect(await elsewhere(`/${app.slug}/`, `/${other.slug}/`)).toBe(404)
  })

  test('what did not change has the same checksum under the same path', async () => {
    const first = await publish('1.1.0', { 'index.html': '<p>1</p>', 'a.js': 'same' })
    const before = await listAt((await check()).url)
    await publish('1.2.0', { 'index.html': '<p>2</p>', 'a.js': 'same' })
    const { artifactType, url } = await check({ bundleId: first.releaseId })
    expect(artifactType).toBe('manifest')
    expect((await listAt(url)).filter(({ checksum }) => before.some((item) => item.checksum === checksum))).toEqual([
      { href: 'a.js', checksum: sha256Of('same'), sizeInBytes: 4 },
    ])
  })

  test('as a whole where the plugin would copy the wrong file', async () => {
    const first = await publish('1.1.0', { 'index.html': '<p>1</p>', 'a.txt': 'A', 'b.txt': 'B' })
    await publish('1.2.0', { 'index.html': '<p>2</p>', 'a.txt': 'B', 'b.txt': 'A' })
    expect((await check({ bundleId: first.releaseId })).artifactType).toBe('zip')
    expect((await check()).artifactType).toBe('manifest')
    // Nobody here knows what is in it.
    expect((await check({ bundleId: 'from-elsewhere' })).artifactType).toBe('zip')
  })

  test('as a whole where two paths would arrive as one', async () => {
    await publish('1.1.0', { 'index.html': '<p>1</p>', 'a b.txt': 'A', 'a+b.txt': 'B' })
    expect((await check()).artifactType).toBe('zip')
  })

  test('as a whole when only that is signed, and file by file when all of it is', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const signed = (bytes: string | Buffer) => createSign('sha256').update(bytes).sign(privateKey, 'base64')
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const { body: key } = await server.request('POST', `/manage/v1/apps/${app.slug}/keys`, {
      body: { algorithm: 'rsa', publicKey: pem },
    })
    const html = '<p>1</p>'
    const list = JSON.stringify([{ href: 'index.html', checksum: sha256Of(html), sizeInBytes: html.length }])
    const { releaseId, bundle } = await publish('1.1.0', { 'index.html': html, [MANIFEST]: list })
    const sign = async (bytes: string | Buffer) => {
      const by = { scheme: 'rsa-sha256', keyId: key.id }
      const signature = { value: signed(bytes), subject: sha256Of(bytes) }
      const path = `/manage/v1/apps/${app.slug}/releases/${releaseId}/signatures`
      const added = await server.request('POST', path, { body: { ...by, signatures: [signature] } })
      expect(added).toMatchObject({ status: 200, body: { items: [{ ...by, ...signature }] } })
    }
    await sign(bundle)
    expect(await check()).toMatchObject({ artifactType: 'zip', signature: signed(bundle) })
    await sign(html)
    expect((await check()).artifactType).toBe('zip')
    await sign(list)
    const { artifactType, url } = await check()
    expect(artifactType).toBe('manifest')
    for (const [href, text] of Object.entries({ [MANIFEST]: list, 'index.html': html })) {
      const { headers, body } = await get(url, href)
      expect(body).toBe(text)
      expect(headers).toMatchObject({ 'x-checksum': sha256Of(text), 'x-signature': signed(text) })
    }
  })

  test('the bytes that were sent are those of the release, and no download of all of it', async () => {
    const html = '<p>of nobody else</p>'
    const { releaseId } = await publish('1.1.0', { 'index.html': html })
    const { url } = await check()
    await listAt(url)
    await get(url, 'index.html')
    // A preflight waits until all that is buffered is written.
    await server.request('POST', `/manage/v1/apps/${app.slug}/releases/preflight`, {
      body: { platform: 'android', version: '9.0.0' },
    })
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/insights/downloads`)
    expect(body.releases).toMatchObject([{ releaseId, downloads: 0, sentBytes: html.length }])
  })
})
