import { createDecipheriv, createHash, generateKeyPairSync, publicDecrypt } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { brotliDecompressSync } from 'node:zlib'
import type { Page, PublishedArchive, ReleaseVariant } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const body = publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const keyId = body.replaceAll(/-----[^-]+-----|\s/g, '').slice(0, 20)
const built: Record<string, string> = {
  'index.html': '<!doctype html>',
  'assets/app.js': 'start()\n'.repeat(2000),
  'assets/empty.css': '',
}
const line = 'publish --platform ios --version 1.1.0 --yes'

/** An open app whose project has a key, and a device with the plugin. */
async function createPublisher() {
  const publisher = await server.createPublisher()
  const { app, json, write } = publisher
  await json(`apps set ${app.slug} --check-access open --yes`)
  await write({ 'capacitor.config.json': '{ "webDir": "www" }', '.capgo_key_v2': pem })
  await write(Object.fromEntries(Object.entries(built).map(([name, content]) => [`www/${name}`, content])))
  const told = { platform: 'ios', device_id: 'd1', app_id: 'com.example.app', version_build: '1.0.0' }
  const asked = { ...told, version_name: 'builtin', plugin_version: '8.51.14' }
  const ask = async (fields: object = { key_id: keyId }) => {
    const url = `${server.url()}/apps/${app.slug}/capgo/updates`
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ ...asked, ...fields }) })
    return (await answer.json()) as Answer
  }
  return {
    ...publisher,
    ask,
    listed: async () => (await json<Page<ReleaseVariant>>('variants list 1.1.0 --platform ios')).items,
  }
}

interface Answer {
  error?: string
  url: string
  checksum: string
  session_key: string
  manifest: { file_name: string; file_hash: string; download_url: string }[]
}

/** As the plugin does it, which has the public key only. */
async function open(url: string, sessionKey: string): Promise<Buffer> {
  const bytes = Buffer.from(await (await fetch(url)).arrayBuffer())
  const [vector = '', sealed = ''] = sessionKey.split(':')
  const key = publicDecrypt(body, Buffer.from(sealed, 'base64'))
  const decipher = createDecipheriv('aes-128-cbc', key, Buffer.from(vector, 'base64'))
  return Buffer.concat([decipher.update(bytes), decipher.final()])
}

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')
const digestIn = (sealed: string) => publicDecrypt(body, Buffer.from(sealed, 'hex')).toString('hex')

describe("a release for Capgo's plugin with a key", () => {
  test('is encrypted with the key of the project, whole and file by file', async () => {
    const { run, ask, listed } = await createPublisher()
    const { exitCode, stdout, stderr } = await run(`${line} --json`)
    expect([exitCode, stderr]).toEqual([
      0,
      expect.stringMatching(/Encrypted +besides, for Capgo's plugin with the key /),
    ])
    const published = JSON.parse(stdout) as PublishedArchive
    const answer = await ask()
    expect(answer).toMatchObject({ version: '1.1.0' })
    expect(sha256(await open(answer.url, answer.session_key))).toBe(published.content.sha256)
    expect(digestIn(answer.checksum)).toBe(published.content.sha256)
    expect(answer.manifest.map(({ file_name }) => file_name).toSorted()).toEqual(['assets/app.js.br', 'index.html'])
    for (const { file_name, file_hash, download_url } of answer.manifest) {
      const inside = await open(download_url, answer.session_key)
      const bytes = file_name.endsWith('.br') ? brotliDecompressSync(inside) : inside
      expect(bytes.toString()).toBe(built[file_name.replace('.br', '')])
      expect(digestIn(file_hash)).toBe(sha256(bytes))
    }
    // A device without the key gets it as it is.
    expect(await ask({})).toMatchObject({ checksum: published.content.sha256, session_key: '' })
    expect(await listed()).toMatchObject([{ keyId, algorithm: 'capgo-v2', fileCount: 2 }])
  })

  test('says of the private key nothing, and leaves nothing behind', async () => {
    const { run, env, write } = await createPublisher()
    const secret = pem.split('\n')[3] ?? ''
    for (const more of ['--dry-run', '', '--json']) {
      const { stdout, stderr } = await run(`${line} ${more}`.trim())
      expect(stdout + stderr).not.toContain(secret)
    }
    await write({ '.capgo_key_v2': pem.replace('MII', 'M!!') })
    const broken = await run(`${line} --version 1.2.0`)
    expect(broken.exitCode).toBe(1)
    expect(broken.stderr).toContain('Expected a private RSA key of 2048 bits in')
    expect(broken.stderr).not.toContain(secret)
    expect(await readdir(env.TMPDIR ?? '')).toEqual([])
  })

  test('reaches no device with the key until it is encrypted, which the same command makes up for', async () => {
    const { run, json, ask, listed } = await createPublisher()
    // As when the upload was interrupted.
    await json(`${line} --no-capgo-key`)
    expect(await ask()).toMatchObject({ error: 'key_id_mismatch' })
    const again = await run(line)
    expect([again.exitCode, again.stderr]).toEqual([0, expect.stringContaining('Encrypted for the key')])
    const [variant] = await listed()
    expect(await ask()).toMatchObject({ session_key: variant?.sessionKey })
    const third = await run(line)
    expect([third.exitCode, third.stderr]).toEqual([
      0,
      expect.stringContaining(`encrypted for the key ${keyId} already`),
    ])
    expect(await listed()).toEqual([variant])
  })
})

describe('variants', () => {
  test('add is of the bytes that lie here, which must be those of the release', async () => {
    const { run, json, write, ask } = await createPublisher()
    await json(`${line} --no-capgo-key`)
    await write({ 'www/index.html': '<p>another' })
    const add = 'variants add 1.1.0 --platform ios --yes'
    const { exitCode, stderr } = await run(`${add} --json`)
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('"content-differs"')])
    expect(await ask()).toMatchObject({ error: 'key_id_mismatch' })
    await write({ 'www/index.html': built['index.html'] ?? '', 'keys/other': pem })
    const added = await json<ReleaseVariant>(`${add} --capgo-key keys/other`)
    expect(await json<ReleaseVariant>(add)).toEqual(added)
    expect(await ask()).toMatchObject({ session_key: added.sessionKey })
  })

  test('remove is by the key, and devices are offered it no more', async () => {
    const { run, json, ask, listed } = await createPublisher()
    await json(line)
    const unknown = await run('variants remove 1.1.0 nobody --platform ios --yes')
    expect([unknown.exitCode, unknown.stderr]).toEqual([2, expect.stringContaining(`There are: ${keyId}.`)])
    await json(`variants remove 1.1.0 ${keyId} --platform ios --yes`)
    expect([await listed(), await ask()]).toMatchObject([[], { error: 'key_id_mismatch' }])
  })

  test('add needs a key', async () => {
    const { run } = await createPublisher()
    const { exitCode, stderr } = await run('variants add 1.1.0 --platform ios --yes --no-capgo-key')
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--capgo-key .capgo_key_v2')])
  })
})
