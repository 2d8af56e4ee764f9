import type { App, Explanation } from '@hotpatch/api'
import { writeTree } from '@hotpatch/protocol'
import {
  bundleOf,
  encryptBytes,
  fixedClock,
  newEncryptionKey,
  newSigningKey,
  problemOf,
  sha256Of,
  signRelease,
  startTestServer,
  statedEncrypted,
  zipOf,
} from '@hotpatch/testkit'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'

const clock = fixedClock()
const server = await startTestServer({ clock, env: { HOTPATCH_PATCH_BASES: '2' } })
afterAll(() => server.close())

const publisher = newSigningKey()
const [first, second, foreign] = await Promise.all([newEncryptionKey(), newEncryptionKey(), newEncryptionKey()])
const plain = await bundleOf('kept from whoever serves it')
const tree = sha256Of(Buffer.from(writeTree([{ path: 'index.android.bundle', sha256: '0'.repeat(64), sizeBytes: 1 }])))
const encrypted = await encryptBytes(plain, [first, second], { tree })

let app: App
beforeEach(async () => {
  app = await server.createTestApp({ checkAccess: 'open' })
})

const signed = (version: string, sequence: number, changes: object = {}) => {
  const of = { appId: app.id, platform: 'android' as const, version, sequence, bundle: plain }
  return signRelease(publisher, of, { ...statedEncrypted(plain, encrypted, tree), ...changes })
}
const publish = (fields: object = {}) =>
  server.publish(app, { bundle: encrypted, version: '1.1.0', signatures: signed('1.1.0', 1), ...fields })
const check = async (fields: Record<string, unknown> = {}) => (await server.check(app, fields)).body
const explain = async () => {
  await server.tick()
  const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/device-1/explain`)
  return { reason: (body as Explanation).decision.reason, text: JSON.stringify(body) }
}
const idsOf = (...keys: { keyId: string }[]) => keys.map(({ keyId }) => keyId).join(',')

describe('an encrypted release', () => {
  test('is offered to who has one of its keys, with what is signed and what is stored', async () => {
    const { body, status } = await publish()
    expect(status).toBe(201)
    const inside = { sha256: sha256Of(plain), sizeBytes: plain.length }
    const stored = { sha256: sha256Of(encrypted), sizeBytes: encrypted.length }
    const keyIds = [first.keyId, second.keyId]
    expect(body.content).toMatchObject({
      ...stored,
      tree,
      fileCount: 0,
      encryption: { algorithm: 'hotpatch-v1', keyIds, plain: inside },
    })
    const offer = await check({ decryptionKeyId: idsOf(foreign, second) })
    expect(offer).toMatchObject({
      updateAvailable: true,
      hash: inside.sha256,
      sizeBytes: inside.sizeBytes,
      signature: signed('1.1.0', 1).signature,
      encryption: { algorithm: 'hotpatch-v1', ...stored, keyIds },
    })
    const { pathname } = new URL(offer.bundleUrl)
    const { rawPayload } = await server.app.http.inject({ url: pathname })
    expect(rawPayload.equals(encrypted)).toBe(true)
    expect(rawPayload.includes(Buffer.from('kept from whoever serves it'))).toBe(false)
  })

  test('is passed over for what is not, and that is explained', async () => {
    await server.published(app, { bundle: await bundleOf('for all'), version: '1.0.0' })
    await publish({ signatures: signed('1.1.0', 2) })
    expect(await check()).toMatchObject({ version: '1.0.0' })
    expect(await check({ decryptionKeyId: idsOf(foreign) })).toMatchObject({ version: '1.0.0' })
    // Half an id stands for no key.
    expect(await check({ decryptionKeyId: first.keyId.slice(0, 8) })).toMatchObject({ version: '1.0.0' })
  })

  test('is explained to who has another key, and to who tells none', async () => {
    await publish()
    expect(await check({ decryptionKeyId: idsOf(foreign) })).toEqual({
      updateAvailable: false,
      reason: 'decryption-key-not-held',
    })
    const other = await explain()
    expect(other.reason).toBe('decryption-key-not-held')
    expect(other.text).toContain(`encrypted for the keys ${first.keyId}, ${second.keyId}`)
    expect(other.text).toContain(`has the key ${foreign.keyId}`)
    expect(await check({ decryptionKeyId: '' })).toEqual({ updateAvailable: false, reason: 'encryption-not-taken' })
    expect((await explain()).text).toContain('tells no key to decrypt it by')
  })

  test('is given to no client of another contract', async () => {
    await publish()
    const capgo = { platform: 'android', device_id: 'device-2', app_id: 'com.example.app', version_build: '1.0.0' }
    const versions = { version_name: '1.0.0', plugin_version: '8.51.23', key_id: first.keyId }
    const body = { ...capgo, ...versions }
    const asked = await server.request('POST', `/apps/${app.slug}/capgo/updates`, { token: null, body })
    expect(JSON.stringify(asked.body)).not.toContain(sha256Of(encrypted))
    const query = `deploymentKey=${app.appKey}&appVersion=1.0.0&clientUniqueId=device-3`
    const codePush = await server.request('GET', `/updateCheck?${query}`, { token: null })
    expect(codePush.body).toMatchObject({ updateInfo: { isAvailable: false } })
    expect((await server.request('GET', `/apps/${app.slug}/web/manifest.json`, { token: null })).status).not.toBe(200)
  })

  test('has nothing made of it that would take its content', async () => {
    const { releaseId } = (await publish()).body
    const later = await encryptBytes(plain, [first], { tree })
    const stated = { ...statedEncrypted(plain, later, tree) }
    await server.published(app, { bundle: later, version: '1.2.0', signatures: signed('1.2.0', 2, stated) })
    const wanted = await server.request('POST', `/manage/v1/apps/${app.slug}/patches`, {
      body: { platform: 'android', from: '1.1.0', to: '1.2.0' },
    })
    expect(problemOf(wanted)).toBe('422 content-unfit')
    expect(wanted.body.detail).toContain('encrypted')
    const files = await server.request('GET', `/manage/v1/releases/${releaseId}/files`)
    expect(files.body.items).toEqual([])
    const patches = await server.request('GET', `/manage/v1/apps/${app.slug}/patches`)
    expect(patches.body.items).toEqual([])
  })
})

describe('refused', () => {
  test.each([
    ['a changed head', () => changed(encrypted, 20, 0x20), '422 invalid-archive'],
    ['a cut file', () => encrypted.subarray(0, -1), '422 invalid-archive'],
    ['something behind it', () => Buffer.concat([encrypted, Buffer.alloc(1)]), '422 invalid-archive'],
    ['another version', () => changed(encrypted, 7, 0x32), '422 invalid-archive'],
  ])('is %s', async (_case, bytes, expected) => {
    expect(problemOf(await publish({ bundle: bytes() }))).toBe(expected)
  })

  test('is a patch in the place of an archive', async () => {
    const patch = { format: 'hpdelta1-br', baseTree: tree }
    const bundle = await encryptBytes(plain, [first], { purpose: 'patch', tree, patch })
    const answer = await publish({ bundle })
    expect(problemOf(answer)).toBe('422 invalid-archive')
    expect(answer.body.detail).toContain('Expected an encrypted archive')
  })

  test('is a statement that says something else of what is inside, or nothing of what is stored', async () => {
    const other = await zipOf({ 'a.txt': 'b' })
    const lies = signed('1.1.0', 1, statedEncrypted(other, encrypted, tree))
    expect(problemOf(await publish({ signatures: lies }))).toBe('422 statement-invalid')
    const { artifacts } = statedEncrypted(plain, encrypted, tree)
    const asItIs = signed('1.1.0', 1, { content: { kind: 'archive', tree }, artifacts: artifacts.slice(0, 1) })
    expect(problemOf(await publish({ signatures: asItIs }))).toBe('422 statement-invalid')
  })

  test('is one of which somebody wants to know what is in it', async () => {
    const answer = await publish({ content: { kind: 'archive', entry: 'index.android.bundle' } })
    expect(problemOf(answer)).toBe('422 content-unfit')
  })
})

function changed(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = value
  return copy
}
