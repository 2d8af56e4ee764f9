import { createHash, createVerify, generateKeyPairSync } from 'node:crypto'
import type { AddedSignature, Page, PublishedArchive, Release, SigningKey } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const line = 'release --platform ios --version 1.1.0 --yes'

async function createPublisher() {
  const publisher = await server.createPublisher()
  const { write, json } = publisher
  await write({
    'capacitor.config.json': '{ "webDir": "www" }',
    'www/index.html': '<!doctype html>',
    'rsa.pem': privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    'pkcs8.pem': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    'public.pem': publicPem,
  })
  const listed = async () => (await json<Page<AddedSignature>>('signatures list 1.1.0 --platform ios')).items
  const addKey = () => json<SigningKey>('keys add --rsa public.pem --name plugin --yes')
  return { ...publisher, listed, addKey }
}

/** As the plugin does it: SHA256withRSA over the file. */
async function isGenuine({ content }: PublishedArchive, signature: string | undefined): Promise<boolean> {
  const bytes = Buffer.from(await (await fetch(content.downloadUrl)).arrayBuffer())
  return createVerify('sha256')
    .update(bytes)
    .verify(publicPem, signature ?? '', 'base64')
}

describe("a release for Capawesome's plugin with a key", () => {
  test('is signed with a key that the app knows', async () => {
    const { json, run, listed, addKey } = await createPublisher()
    const unknown = await run(`${line} --rsa-key rsa.pem --json`)
    expect([unknown.exitCode, unknown.stderr]).toEqual([1, expect.stringContaining('"key-unregistered"')])
    expect(unknown.stderr).toContain('keys add --rsa')
    expect((await json<Page<Release>>('releases list')).items).toEqual([])

    const key = await addKey()
    expect((await json<Page<SigningKey>>('keys list --rsa')).items).toMatchObject([{ id: key.id, name: 'plugin' }])
    const published = await json<PublishedArchive>(`${line} --rsa-key rsa.pem`)
    const [signature] = await listed()
    expect(signature).toMatchObject({ scheme: 'rsa-sha256', keyId: key.id, subject: published.content.sha256 })
    expect(await isGenuine(published, signature?.value)).toBe(true)
    // The other way to write the same key signs the same.
    await json(`${line} --rsa-key pkcs8.pem`)
    expect(await listed()).toEqual([signature])
  })

  test('finds the key by the project file, and makes up for what was interrupted', async () => {
    const { app, write, json, run, listed, addKey } = await createPublisher()
    await addKey()
    const published = await json<PublishedArchive>(line)
    expect(await listed()).toEqual([])
    await write({ 'hotpatch.json': JSON.stringify({ app: app.slug, defaults: { rsaKey: 'rsa.pem' } }) })
    const { exitCode, stderr } = await run(line)
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('Signed with the RSA key')])
    expect(await isGenuine(published, (await listed())[0]?.value)).toBe(true)
  })

  test('has each file signed where there is a list of them, which must be right', async () => {
    const { write, run, listed, addKey } = await createPublisher()
    await addKey()
    const page = '<!doctype html>'
    const list = JSON.stringify([{ href: 'index.html', checksum: sha256(page), sizeInBytes: page.length }])
    await write({ 'www/capawesome-live-update-manifest.json': list })
    expect((await run(`${line} --rsa-key rsa.pem`)).stderr).toContain('Signed each of 2 files, too.')
    const found = await listed()
    expect(found).toHaveLength(3)
    for (const text of [page, list]) {
      const { value = '' } = found.find(({ subject }) => subject === sha256(text)) ?? {}
      expect(createVerify('sha256').update(text).verify(publicPem, value, 'base64')).toBe(true)
    }
    await write({ 'www/index.html': '<p>another' })
    const unfit = await run('release --platform android --version 1.1.0 --yes --rsa-key rsa.pem')
    expect([unfit.exitCode, unfit.stderr]).toEqual([0, expect.stringContaining('is not the list of these files')])
  })

  test('says nothing of the private key, and takes no other kind', async () => {
    const { write, run, addKey } = await createPublisher()
    await addKey()
    const secret = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString().split('\n')[3] ?? ''
    const { stdout, stderr } = await run(`${line} --rsa-key rsa.pem`)
    expect(stdout + stderr).not.toContain(secret)
    const curve = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    await write({ 'curve.pem': curve, 'broken.pem': `-----BEGIN RSA PRIVATE KEY-----\n${secret}` })
    for (const [file, found] of [
      ['curve.pem', '0 bits of ed25519'],
      ['broken.pem', 'found none'],
      ['public.pem', 'found none'],
    ]) {
      const refused = await run(`release --platform ios --version 1.2.0 --yes --rsa-key ${file}`)
      expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining(found ?? '')])
      expect(refused.stderr).not.toContain(secret)
    }
  })
})

describe('signatures', () => {
  test('are added to a release that lies here still, and removed', async () => {
    const { write, json, run, listed, addKey } = await createPublisher()
    await addKey()
    const published = await json<PublishedArchive>(line)
    const add = 'signatures add 1.1.0 --platform ios --rsa-key rsa.pem --yes'
    await write({ 'www/index.html': '<p>another' })
    expect((await run(`${add} --json`)).stderr).toContain('"content-differs"')
    await write({ 'www/index.html': '<!doctype html>' })
    const added = await json<AddedSignature>(add)
    expect(await isGenuine(published, added.value)).toBe(true)
    expect(await json<AddedSignature>(add)).toEqual(added)
    expect(await json('signatures remove 1.1.0 --platform ios --yes')).toMatchObject({ removed: [added] })
    expect([await listed(), await json('signatures remove 1.1.0 --platform ios --yes')]).toEqual([[], { removed: [] }])
    expect((await run('signatures add 1.1.0 --platform ios --yes')).exitCode).toBe(2)
  })

  test('are of no key that was revoked', async () => {
    const { json, run, addKey } = await createPublisher()
    const { id } = await addKey()
    await json(`keys revoke ${id} --yes`)
    expect((await run(`${line} --rsa-key rsa.pem --json`)).stderr).toContain('"key-unregistered"')
    expect((await run('keys add abc --rsa public.pem --yes')).exitCode).toBe(2)
  })
})
