import { constants, createCipheriv, createDecipheriv, createHash, generateKeyPairSync } from 'node:crypto'
import { privateEncrypt, publicDecrypt, randomBytes } from 'node:crypto'
import { sha256Of, startTestServer, zipOf } from '@hotpatch/testkit'
import { expect, onTestFinished, test } from 'vitest'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const body = publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const keyId = body.replaceAll(/-----[^-]+-----|\s/g, '').slice(0, 20)
const seal = (bytes: Buffer) => privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, bytes)

const page = Buffer.from('<p>hello</p>')

test("a plugin with a key gets what was encrypted with it, and can make the release's bytes of it", async () => {
  const server = await startTestServer()
  onTestFinished(() => server.close())
  const app = await server.createTestApp({ checkAccess: 'open' })
  const bundle = await zipOf({ 'index.html': page })
  const { releaseId } = await server.published(app, { bundle, version: '1.1.0', platform: 'any' })
  const told = {
    platform: 'android',
    device_id: 'device-1',
    app_id: 'com.example.app',
    version_build: '1.0.0',
    version_name: '1.0.0',
    plugin_version: '8.51.23',
  }
  const ask = async (fields: object, path = '') => {
    const url = `/apps/${app.slug}/capgo/updates${path}`
    return (await server.request('POST', url, { token: null, body: { ...told, ...fields } })).body
  }
  expect(await ask({ key_id: keyId })).toMatchObject({ kind: 'blocked', error: 'key_id_mismatch' })

  const [key, iv] = [randomBytes(16), randomBytes(16)]
  const encrypt = (bytes: Buffer) => {
    const cipher = createCipheriv('aes-128-cbc', key, iv)
    return Buffer.concat([cipher.update(bytes), cipher.final()])
  }
  const checksum = (bytes: Buffer) => seal(createHash('sha256').update(bytes).digest()).toString('hex')
  const form = new FormData()
  const files = [{ path: 'index.html', checksum: checksum(page) }]
  const sessionKey = `${iv.toString('base64')}:${seal(key).toString('base64')}`
  const metadata = { algorithm: 'capgo-v2', keyId, sessionKey, checksum: checksum(bundle), files }
  form.set('metadata', new Blob([JSON.stringify(metadata)], { type: 'application/json' }), 'metadata.json')
  form.set('bundle', new Blob([new Uint8Array(encrypt(bundle))]), 'bundle.zip')
  form.set('files', new Blob([new Uint8Array(await zipOf({ 'index.html': encrypt(page) }))]), 'files.zip')
  const added = await server.request('POST', `/manage/v1/apps/${app.slug}/releases/${releaseId}/variants`, { form })
  expect(added.status).toBe(201)

  /** As the plugin does it. */
  const open = async (address: string, session: string) => {
    const bytes = (await server.app.http.inject({ url: address.replace('http://localhost:80', '') })).rawPayload
    const [vector = '', sealed = ''] = session.split(':')
    const aes = publicDecrypt(publicKey, Buffer.from(sealed, 'base64'))
    const decipher = createDecipheriv('aes-128-cbc', aes, Buffer.from(vector, 'base64'))
    return sha256Of(Buffer.concat([decipher.update(bytes), decipher.final()]))
  }
  const digestIn = (told: string) => publicDecrypt(publicKey, Buffer.from(told, 'hex')).toString('hex')
  const answer = await ask({ key_id: keyId })
  expect(answer).toMatchObject({ version: '1.1.0', session_key: sessionKey })
  expect(await open(answer.url, answer.session_key)).toBe(sha256Of(bundle))
  expect(digestIn(answer.checksum)).toBe(sha256Of(bundle))
  const [entry] = answer.manifest
  expect(entry.file_name).toBe('index.html')
  expect(await open(entry.download_url, answer.session_key)).toBe(sha256Of(page))
  expect(digestIn(entry.file_hash)).toBe(sha256Of(page))
  const sizes = await ask({ key_id: keyId, version: '1.1.0', manifest: answer.manifest }, '/manifest_size')
  expect(sizes).toMatchObject({ totalSize: 16, knownFiles: 1, unknownFiles: 0 })

  expect(await ask({})).toMatchObject({ version: '1.1.0', checksum: sha256Of(bundle), session_key: '' })
  expect(await ask({ key_id: 'MIIBCgKCAQEA00000000' })).toMatchObject({ error: 'key_id_mismatch' })
})
