import { createSign, generateKeyPairSync, sign } from 'node:crypto'
import {
  allIsMade,
  bundleOf,
  describeOnEveryDatabase,
  newMinisignKey,
  problemOf,
  sha256Of,
  startTestServer,
  type TestServer,
  zipOf,
} from '@hotpatch/testkit'
import type { App, PublishedRelease } from '@hotpatch/api'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'
import { createDeviceIdentity } from '../../fleet/devices/device-identity.ts'
import { loadCatalog } from '../../updates/catalog-queries.ts'

const rsa = (modulusLength = 2048) => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength })
  const sign = (bytes: Uint8Array) => createSign('sha256').update(bytes).sign(privateKey, 'base64')
  const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(), privatePem, sign }
}
const ours = rsa()
const another = rsa()

describeOnEveryDatabase('signatures of further schemes', (openDatabase) => {
  let db: Database
  let server: TestServer
  let app: App
  let bundle: Buffer
  let published: PublishedRelease

  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp()
    bundle = await bundleOf('code')
    published = await server.published(app, { bundle, version: '1.0.0' })
  })

  const register = async (publicKey = ours.pem, algorithm = 'rsa'): Promise<string> => {
    const { body } = await server.request('POST', `/manage/v1/apps/${app.slug}/keys`, {
      body: { algorithm, publicKey },
    })
    return body.id
  }
  const addAll = (body: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    server.request('POST', `/manage/v1/apps/${app.slug}/releases/${published.releaseId}/signatures`, {
      body: { scheme: 'rsa-sha256', ...body },
      ...more,
    })
  const add = ({ value, subject, ...by }: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    addAll({ ...by, signatures: [{ value, ...(subject !== undefined && { subject }) }] }, more)
  const remove = (subject: string) =>
    server.request(
      'DELETE',
      `/manage/v1/apps/${app.slug}/releases/${published.releaseId}/signatures/rsa-sha256/${subject}`,
    )
  const shown = async () => (await server.request('GET', `/manage/v1/releases/${published.releaseId}`)).body.signatures
  const entries = async (action: string) =>
    (await server.request('GET', `/manage/v1/audit?app=${app.slug}&action=${action}`)).body.items
  const catalog = async () => {
    const identity = createDeviceIdentity({ secret: 'x'.repeat(32) })
    const loaded = await loadCatalog(db, { appId: app.id, platform: 'android', channel: 'production' }, identity)
    const target = loaded?.catalog.rollouts[0]?.target
    return { generation: loaded?.catalog.generation, release: target === 'embedded' ? undefined : target }
  }

  test('one is held against the bytes, kept, shown, offered and removed', async () => {
    const keyId = await register()
    const before = await catalog()
    expect(before.release).not.toHaveProperty('signatures')
    expect(await shown()).toBeUndefined()
    const value = ours.sign(bundle)
    const signature = { scheme: 'rsa-sha256', subject: sha256Of(bundle), keyId, value }
    const added = await add({ keyId, value })
    expect([added.status, added.body]).toEqual([200, { items: [signature] }])
    expect(await shown()).toEqual([signature])
    const listed = await server.request('GET', `/manage/v1/apps/${app.slug}/releases`)
    expect(listed.body.items).toMatchObject([{ signatures: [signature] }])
    const after = await catalog()
    expect(after.generation).toBeGreaterThan(before.generation ?? 0)
    expect(after.release?.signatures).toEqual([{ scheme: 'rsa-sha256', subject: signature.subject, value }])
    const { value: _, ...named } = signature
    expect(await entries('release.signatures-added')).toMatchObject([
      { subjectId: published.releaseId, before: null, after: { signatures: [named] } },
    ])

    // The same again changes nothing.
    expect((await add({ keyId, value, subject: signature.subject })).body).toEqual({ items: [signature] })
    expect((await catalog()).generation).toBe(after.generation)
    expect(await entries('release.signatures-added')).toHaveLength(1)

    expect((await remove(signature.subject)).status).toBe(204)
    expect((await remove(signature.subject)).status).toBe(204)
    expect(await shown()).toBeUndefined()
    expect((await catalog()).release).not.toHaveProperty('signatures')
    expect(await entries('release.signatures-removed')).toMatchObject([{ before: { signatures: [named] } }])
  })

  describe('of many files at once', () => {
    const texts = Array.from({ length: 40 }, (_, index) => `file ${index}`)
    let keyId: string
    beforeEach(async () => {
      keyId = await register()
      const files = Object.fromEntries(texts.map((text, index) => [`assets/${index}.txt`, text]))
      bundle = await zipOf({ 'index.html': '<p>hello</p>', ...files })
      published = await server.published(app, { bundle, version: '2.0.0' })
    })
    const signed = (text: string | Buffer) => ({
      subject: sha256Of(Buffer.from(text)),
      value: ours.sign(Buffer.from(text)),
    })

    test('are kept, and tell of themselves once', async () => {
      await allIsMade(db)
      const before = await catalog()
      const signatures = [signed(bundle), ...texts.map((text) => signed(text))]
      const added = await addAll({ keyId, signatures })
      const items = signatures.map((signature) => ({ scheme: 'rsa-sha256', keyId, ...signature }))
      expect([added.status, added.body]).toEqual([200, { items }])
      expect(await shown()).toHaveLength(41)
      const after = await catalog()
      expect(after.generation).toBe((before.generation ?? 0) + 1)
      expect(await entries('release.signatures-added')).toHaveLength(1)

      // Asked again because the answer was lost, with what is new besides.
      const again = await addAll({ keyId, signatures: [...signatures, signed('<p>hello</p>')] })
      expect(again.body.items).toHaveLength(42)
      expect((await entries('release.signatures-added'))[0].after.signatures).toEqual([
        { scheme: 'rsa-sha256', keyId, subject: sha256Of(Buffer.from('<p>hello</p>')) },
      ])

      const all = `/manage/v1/apps/${app.slug}/releases/${published.releaseId}/signatures/rsa-sha256`
      expect((await server.request('DELETE', all)).status).toBe(204)
      expect((await server.request('DELETE', all)).status).toBe(204)
      expect(await shown()).toBeUndefined()
      expect(await entries('release.signatures-removed')).toMatchObject([{ before: { removed: 42 } }])
    })

    test('are all refused for one that does not fit', async () => {
      const good = texts.map((text) => signed(text))
      const refused = async (signatures: unknown[]) => problemOf(await addAll({ keyId, signatures }))
      const others = { ...signed('file 7'), subject: sha256Of(Buffer.from('file 8')) }
      const answer = await addAll({ keyId, signatures: [...good.slice(0, 8), others] })
      expect(problemOf(answer)).toBe('422 signature-invalid')
      expect(answer.body.detail).toContain('signatures/8/value')
      expect(await refused([...good, signed('of no release')])).toBe('400 invalid-request')
      expect(await refused([...good, signed('file 3')])).toBe('400 invalid-request')
      expect(await refused([])).toBe('400 invalid-request')
      expect(await refused(Array.from({ length: 501 }, () => good[0]))).toBe('400 invalid-request')
      expect(await shown()).toBeUndefined()
      expect(await entries('release.signatures-added')).toEqual([])
    })

    test('by two at once come to the same', async () => {
      const signatures = texts.map((text) => signed(text))
      const answers = await Promise.all([1, 2, 3].map(() => addAll({ keyId, signatures })))
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
      expect(await shown()).toHaveLength(40)
      expect(await entries('release.signatures-added')).toHaveLength(1)
    })
  })

  test('of another key takes the place of the first', async () => {
    await add({ keyId: await register(), value: ours.sign(bundle) })
    const keyId = await register(another.pem)
    expect((await add({ keyId, value: another.sign(bundle) })).status).toBe(200)
    expect(await shown()).toMatchObject([{ keyId }])
  })

  test('of minisign is held against the bytes and the version that it signs', async () => {
    const key = newMinisignKey()
    const keyId = await register(key.pubkey, 'minisign')
    const sign = (bytes: Uint8Array, version?: string) =>
      add({ scheme: 'minisign', keyId, value: key.signFile(bytes, version === undefined ? {} : { version }) })
    const refused = await sign(bundle, '2.0.0')
    expect(problemOf(refused)).toBe('422 signature-invalid')
    expect(refused.body.detail).toContain('expected one for version 1.0.0, found one for version 2.0.0')
    expect(problemOf(await sign(Buffer.from('other bytes'), '1.0.0'))).toBe('422 signature-invalid')
    expect(problemOf(await add({ keyId, value: ours.sign(bundle) }))).toBe('422 signature-invalid')
    expect(await shown()).toBeUndefined()
    expect((await sign(bundle, '1.0.0')).status).toBe(200)
    // Beside one of another scheme.
    await add({ keyId: await register(), value: ours.sign(bundle) })
    expect(await shown()).toMatchObject([{ scheme: 'minisign', keyId }, { scheme: 'rsa-sha256' }])
    const at = `/manage/v1/apps/${app.slug}/keys`
    expect((await server.request('GET', `${at}?algorithm=minisign`)).body.items).toMatchObject([
      { id: keyId, publicKey: key.line },
    ])
    expect((await server.request('POST', at, { body: { algorithm: 'minisign', publicKey: ours.pem } })).status).toBe(
      400,
    )
    // A key is one, however it is written down.
    const again = await server.request('POST', at, { body: { algorithm: 'minisign', publicKey: key.line } })
    expect(problemOf(again)).toBe('409 key-exists')
  })

  test('of Sparkle is held against the bytes, by a key that signs no statements', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
    const keyId = await register(raw, 'sparkle-ed25519')
    const signed = (bytes: Uint8Array) =>
      add({ scheme: 'sparkle-ed25519', keyId, value: sign(null, bytes, privateKey).toString('base64') })
    expect(problemOf(await signed(Buffer.from('other bytes')))).toBe('422 signature-invalid')
    expect(await shown()).toBeUndefined()
    expect((await signed(bundle)).status).toBe(200)
    expect(await shown()).toMatchObject([{ scheme: 'sparkle-ed25519', keyId }])
    // The app still takes releases without a statement.
    expect(
      (await server.published(app, { bundle: await bundleOf('unsigned'), version: '1.0.1' })).releaseId,
    ).toBeDefined()
    const at = `/manage/v1/apps/${app.slug}/keys`
    const body = { algorithm: 'sparkle-ed25519', publicKey: 'short' }
    expect(problemOf(await server.request('POST', at, { body }))).toBe('400 invalid-request')
  })

  test('that does not fit is refused, and nothing is kept', async () => {
    const keyId = await register()
    const value = ours.sign(bundle)
    const otherKey = await register(another.pem)
    expect(problemOf(await add({ keyId, value: ours.sign(Buffer.from('other bytes')) }))).toBe('422 signature-invalid')
    expect(problemOf(await add({ keyId: otherKey, value }))).toBe('422 signature-invalid')
    expect(problemOf(await add({ keyId, value: 'AAAA' }))).toBe('422 signature-invalid')
    expect(problemOf(await add({ keyId: app.id, value }))).toBe('422 signature-invalid')
    expect(problemOf(await add({ keyId, value, subject: 'a'.repeat(64) }))).toBe('400 invalid-request')
    expect(problemOf(await add({ keyId, value, scheme: 'rot13' }))).toBe('400 invalid-request')
    await server.request('POST', `/manage/v1/apps/${app.slug}/keys/${keyId}/revoke`)
    expect(problemOf(await add({ keyId, value }))).toBe('422 signature-invalid')
    expect(await shown()).toBeUndefined()
  })

  test('of another app, or without permission, is refused', async () => {
    const keyId = await register()
    const value = ours.sign(bundle)
    const stranger = await server.createTestApp()
    const url = `/manage/v1/apps/${stranger.slug}/releases/${published.releaseId}/signatures`
    const body = { scheme: 'rsa-sha256', keyId, signatures: [{ value }] }
    expect(problemOf(await server.request('POST', url, { body }))).toBe('404 release-not-found')
    const token = await server.createToken({ name: 'reader', role: 'reader' })
    expect((await add({ keyId, value }, { token })).status).toBe(403)
  })

  test('keys: public ones of RSA, of a size, which demand no statements and stand in a list of their own', async () => {
    const keyId = await register(`${ours.pem.replaceAll('\n', '\r\n')}\r\n`)
    const at = `/manage/v1/apps/${app.slug}/keys`
    expect((await server.request('GET', at)).body.items).toEqual([])
    expect((await server.request('GET', `${at}?algorithm=rsa`)).body.items).toMatchObject([
      { id: keyId, algorithm: 'rsa', publicKey: ours.pem },
    ])
    expect((await server.request('GET', `/manage/v1/apps/${app.slug}`)).body.signing).toBe('optional')
    for (const publicKey of [ours.privatePem, rsa(1024).pem, 'no key', ours.pem.replace('MII', 'MIJ')]) {
      const refused = await server.request('POST', at, { body: { algorithm: 'rsa', publicKey } })
      expect(problemOf(refused)).toBe('400 invalid-request')
      expect(JSON.stringify(refused.body)).not.toContain('PRIVATE')
    }
    expect(problemOf(await server.request('POST', at, { body: { algorithm: 'rsa', publicKey: ours.pem } }))).toBe(
      '409 key-exists',
    )
  })
})
