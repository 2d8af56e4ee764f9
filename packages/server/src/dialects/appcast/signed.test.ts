import { createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'
import { describeOnEveryDatabase, fixedClock, startTestServer, type TestServer } from '@hotpatch/testkit'
import type { App, Appcast } from '@hotpatch/api'
import { writeSignedAppcast } from '@hotpatch/signatures'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

function newSparkleKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return { privateKey, text: publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64') }
}

/** As Sparkle with SURequireSignedFeed does: what is before the last signature, when that fits. */
function asSparkle(text: string, privateKey: KeyObject): string | undefined {
  const bytes = Buffer.from(text)
  const begin = '<!-- sparkle-signatures:\n'
  const at = bytes.lastIndexOf(begin)
  if (at < 0) return undefined
  const [, value = ''] = /^edSignature:(.*)$/m.exec(bytes.subarray(at + begin.length).toString()) ?? []
  const content = bytes.subarray(0, at)
  const fits = verify(null, content, createPublicKey(privateKey), Buffer.from(value.trim(), 'base64'))
  return fits ? content.toString() : undefined
}

describeOnEveryDatabase('Appcast §7: feeds that their publisher has signed', (open) => {
  let server: TestServer
  let database: Awaited<ReturnType<typeof open>>
  let app: App
  let key: ReturnType<typeof newSparkleKey>
  let keyId: string
  beforeAll(async () => {
    database = await open()
    server = await startTestServer({ database, clock })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp({ platforms: ['macos', 'windows'], checkAccess: 'open' })
    key = newSparkleKey()
    keyId = await addKey(key.text)
    await publish('1.0.0+1')
  })

  const clock = fixedClock()
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
    return (await server.request('POST', `/apps/${app.slug}/api/updates/publish`, { body })).body.id
  }
  async function addKey(publicKey: string): Promise<string> {
    const body = { publicKey, algorithm: 'sparkle-ed25519' }
    return (await server.request('POST', `/manage/v1/apps/${app.slug}/keys`, { body })).body.id
  }
  const place = (channel = 'production') => `/manage/v1/apps/${app.slug}/appcasts/${channel}`
  const status = async (query = ''): Promise<Appcast> => (await server.request('GET', place() + query)).body
  const read = async (path = '/appcast.xml') =>
    String((await server.request('GET', `/apps/${app.slug}${path}`, { token: null })).body)
  const signedBy = (content: string, by = key.privateKey) =>
    writeSignedAppcast({ content, value: sign(null, Buffer.from(content), by).toString('base64') })
  const put = (signed: string, more: object = {}, channel?: string) =>
    server.request('PUT', place(channel), { body: { signed, ...more } })
  const rollBackTo = (version: string) =>
    server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, {
      body: { platform: 'macos', channel: 'production', to: { version } },
    })

  test('are served byte for byte as they were signed, by each of their addresses', async () => {
    const { content, signature } = await status()
    expect(signature).toBeNull()
    expect(await read()).toBe(content)
    const signed = signedBy(content)
    const { status: code, body } = await put(signed)
    expect([code, body.signature]).toEqual([
      200,
      { isInForce: true, keyId, signedAt: expect.any(String), signedBy: expect.any(String), outOfDateSince: null },
    ])
    expect(await read()).toBe(signed)
    expect(await read('/channels/production/appcast.xml')).toBe(signed)
    expect(asSparkle(await read(), key.privateKey)).toBe(content)
    // What others read is another text, and nobody signed that.
    for (const path of ['/appcast.xml?for=upgrader', '/appcast.xml?platform=windows']) {
      expect(await read(path)).not.toContain('sparkle-signatures')
    }
  })

  test('are served unsigned as soon as they are no longer true, and the publisher is told since when', async () => {
    await put(signedBy((await status()).content))
    const signedAt = (await status()).signature?.signedAt
    clock.advance(60_000)
    await publish('1.1.0+2')
    const changedAt = new Date(clock.now()).toISOString()
    expect(await read()).not.toContain('sparkle-signatures')
    expect(asSparkle(await read(), key.privateKey)).toBeUndefined()
    expect((await status()).signature).toMatchObject({ isInForce: false, signedAt, outOfDateSince: changedAt })
    await put(signedBy((await status()).content))
    expect(asSparkle(await read(), key.privateKey)).toContain('<title>1.1.0+2</title>')
  })

  test('are signed again without anybody when what they say is in force again', async () => {
    const before = signedBy((await status()).content)
    await put(before)
    const id = await publish('1.1.0+2')
    await put(signedBy((await status()).content))
    await server.request('POST', `/apps/${app.slug}/api/updates/deactivate/${id}`)
    expect(await read()).toBe(before)
  })

  test('never offer what was rolled back: what was signed of it once is served no more, and not taken again', async () => {
    await publish('1.1.0+2')
    const bad = signedBy((await status()).content)
    await put(bad)
    await rollBackTo('1.0.0+1')
    expect(await read()).not.toContain('1.1.0+2')
    const { status: code, body } = await put(bad)
    expect([code, body.type, body.detail]).toEqual([
      409,
      expect.stringMatching(/appcast-changed$/),
      expect.stringMatching(
        /line 6 is <title>1\.0\.0\+1<\/title>, found <title>1\.1\.0\+2<\/title>\. Nothing was kept/,
      ),
    ])
  })

  test('of one platform only, or of another channel, are of that', async () => {
    const ofWindows = await status('?platform=windows')
    expect((await put(signedBy(ofWindows.content), { platform: 'windows' })).status).toBe(200)
    expect(await read('/appcast.xml?platform=windows')).toBe(signedBy(ofWindows.content))
    expect(await read()).not.toContain('sparkle-signatures')
    expect((await put(signedBy(ofWindows.content))).status).toBe(409)
    expect((await put(signedBy(ofWindows.content), {}, 'nowhere')).body.type).toMatch(/channel-not-found$/)
  })

  test('of a key that is revoked are served unsigned', async () => {
    await put(signedBy((await status()).content))
    await server.request('POST', `/manage/v1/apps/${app.slug}/keys/${keyId}/revoke`)
    expect(await read()).not.toContain('sparkle-signatures')
    expect((await status()).signature).toBeNull()
    expect((await put(signedBy((await status()).content))).body.type).toMatch(/signature-invalid$/)
  })

  test('of another key, over other bytes, or by no signature at all are refused', async () => {
    const { content } = await status()
    const other = newSparkleKey()
    expect((await put(signedBy(content, other.privateKey))).body).toMatchObject({
      status: 422,
      detail: expect.stringMatching(/found none of 1 that fits/),
    })
    const valueOfOther = signedBy(`${content} `).replace(/length: \d+/, `length: ${Buffer.byteLength(content)}`)
    expect((await put(valueOfOther.replace(`${content} `, content))).body.type).toMatch(/signature-invalid$/)
    expect((await put(content)).body).toMatchObject({ status: 400, detail: expect.stringMatching(/found none/) })
    expect((await put('x'.repeat(1_000_001))).status).toBe(400)
    expect((await status()).signature).toBeNull()
  })

  test('are kept in a number that has an end, and the change is in the log', async () => {
    for (let count = 0; count < 22; count += 1) {
      await publish(`2.0.${count}+${count + 2}`)
      await put(signedBy((await status()).content))
    }
    const { body } = await server.request('GET', `/manage/v1/audit?app=${app.slug}&action=appcast.signed&limit=1`)
    expect(body.items).toMatchObject([{ after: { channel: 'production', platform: 'each', keyId } }])
    const rows = await database.selectFrom('signed_appcast').selectAll().where('app_id', '=', app.id).execute()
    expect(rows).toHaveLength(20)
  })
})
