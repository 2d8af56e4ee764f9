import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { newSigningKey, signRelease, startTestServer, temporaryDirectory, zipOf } from '@hotpatch/testkit'
import { createBundleHandler } from '@hotpatch/web-bundle-server'
import { expect, onTestFinished, test } from 'vitest'
import { createSigner } from '../packages/capacitor/src/testing/bundle-server.ts'
import { createFollower } from '../packages/capacitor/src/testing/follower.ts'

/** The files of a folder as an image has them. */
async function writeBundle(directory: string, version: string, sign: (checksum: string) => string): Promise<void> {
  const zip = await zipOf({ 'index.html': `<h1>${version}</h1>` })
  const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')
  const signature = sign(sha256(zip))
  const files = { 'bundle.zip': zip, VERSION: version, MIN_NATIVE_VERSION: '1.0.0', 'bundle.sig': signature }
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content)
  const checksums = Object.entries(files).map(([name, content]) => `${sha256(content)}  ${name}\n`)
  await writeFile(join(directory, 'bundle.sha256'), checksums.join(''))
}

test('an app follows the server of a folder, below a path of it, with signatures', async () => {
  const directory = await temporaryDirectory()
  const signer = createSigner()
  const bundles = createBundleHandler({ directory, temporaryDirectory: await temporaryDirectory() })
  const server = createServer((request, response) => {
    // As a proxy does that serves it below /shop, and does not tell.
    request.url = request.url?.replace(/^\/shop/, '') ?? ''
    void bundles(request, response).then((isAnswered) => isAnswered || response.writeHead(404).end())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
    bundles.close()
  })
  const { port } = server.address() as AddressInfo
  const app = createFollower(`http://127.0.0.1:${port}/shop/`, { options: { publicKeys: [signer.publicKey] } })
  expect(await app.start()).toMatchObject({ kind: 'nothing', reason: 'not-available' })
  for (const version of ['1.1.0', '1.0.9']) {
    await writeBundle(directory, version, signer.sign)
    expect(await app.comeBack()).toMatchObject({ kind: 'asked', version })
    await app.accept()
    expect(app.running()).toBe(version)
  }
  await writeBundle(directory, '1.2.0', createSigner().sign)
  expect(await app.comeBack()).toMatchObject({ reason: 'signature-invalid' })
})

test('an app follows a channel of a HotPatch server, with signatures, and the server hears how it went', async () => {
  const server = await startTestServer()
  onTestFinished(() => server.close())
  const { id: appId, slug, appKey } = await server.createTestApp()
  const key = newSigningKey()
  const url = await server.listen()
  const publish = async (version: string, sequence: number) => {
    const bundle = await zipOf({ 'index.html': `<h1>${version}</h1>` })
    const content = { platform: 'any', version } as const
    const signatures = signRelease(key, { appId, ...content, sequence, bundle })
    await server.published({ slug }, { bundle, ...content, signatures })
  }
  await publish('1.1.0', 1)
  const options = { hotPatch: { appKey, platform: 'android' }, publicKeys: [key.publicKey] } as const
  const app = createFollower(`${url}/apps/${slug}`, { options, broken: ['1.2.0'] })
  expect(await app.start()).toMatchObject({ kind: 'asked', version: '1.1.0' })
  await app.accept()
  expect(app.running()).toBe('1.1.0')
  await publish('1.2.0', 2)
  expect(await app.comeBack()).toMatchObject({ kind: 'asked', version: '1.2.0' })
  await app.accept()
  await app.phone.advance(30_000)
  const told = async () => {
    const device = '5f0c2f7e-0000-4000-8000-000000000001'
    const { body } = await server.request('GET', `/manage/v1/apps/${slug}/devices/${device}/timeline`)
    const items = (body.items ?? []) as { kind: string; version: string }[]
    return items.map(({ kind, version }) => `${kind} ${version}`).toSorted()
  }
  // It asks as itself, so the server knows what it was offered, too.
  const expected = ['applied 1.1.0', 'checked 1.1.0', 'confirmed 1.1.0', 'downloaded 1.1.0', 'downloaded 1.2.0']
  await expect.poll(told).toEqual([...expected, 'offered 1.1.0', 'offered 1.2.0', 'rolled-back 1.2.0'])
  // 1.2.0 failed on this device: it is offered what it runs.
  expect(await app.comeBack()).toMatchObject({ kind: 'nothing', reason: 'same-version' })
  expect(app.running()).toBe('1.1.0')
})
