import type { App } from '@hotpatch/api'
import {
  describeOnEveryDatabase,
  eventually,
  sha256Of,
  startTestServer,
  type TestServer,
  zipOf,
} from '@hotpatch/testkit'
import { brotliDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'

const script = 'console.log("hello")\n'.repeat(1_000)

interface Entry {
  file_name: string
  file_hash: string
  download_url: string
}

describeOnEveryDatabase("Capgo's plugin takes files one by one", (openDatabase) => {
  let server: TestServer
  let app: App
  beforeAll(async () => {
    // A device that asks until something is made asks more often than the limit allows, and this clock stands still.
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' }
    server = await startTestServer({ database: await openDatabase(), env })
    app = await server.createTestApp({ checkAccess: 'open' })
  })
  afterAll(() => server.close())

  const told = {
    device_id: 'device-1',
    app_id: 'com.example.app',
    version_build: '1.0.0',
    version_name: '1.0.0',
    plugin_version: '8.51.23',
  }
  const ask = async (fields: object, path = '/capgo/updates') => {
    const body = { platform: 'android', ...told, ...fields }
    return (await server.request('POST', `/apps/${app.slug}${path}`, { token: null, body })).body
  }
  const publish = async (version: string, files: Record<string, string>) =>
    server.published(app, { bundle: await zipOf(files), platform: 'any', version })
  const bytesAt = async (address: string) =>
    (await server.app.http.inject({ url: address.replace('http://localhost:80', '') })).rawPayload

  test('each under its own name, or compressed, and empty ones, too', async () => {
    const files = { 'index.html': '<p>1</p>', 'assets/app.js': script, 'assets/a b.css': '', 'sub/index.html': 'x' }
    const { releaseId } = await publish('1.1.0', files)
    // It is compressed in the background.
    const withBrotli = await eventually(async () => {
      const { manifest } = await ask({})
      expect(manifest.map(({ file_name }: Entry) => file_name)).toContain('assets/app.js.br')
      return manifest as Entry[]
    })
    expect(withBrotli.map(({ file_name }) => file_name)).toEqual([
      'assets/a b.css',
      'assets/app.js.br',
      'index.html',
      'sub/index.html',
    ])
    for (const { file_name, file_hash, download_url } of withBrotli) {
      expect(download_url).toContain(`?release=${releaseId}`)
      const bytes = await bytesAt(download_url)
      const file = file_name.endsWith('.br') ? brotliDecompressSync(bytes) : bytes
      expect(sha256Of(file)).toBe(file_hash)
    }
    const onIos = await ask({ platform: 'ios' })
    expect(onIos.manifest.map(({ file_name }: Entry) => file_name)).toEqual(Object.keys(files).sort())
    for (const { file_hash, download_url } of onIos.manifest as Entry[]) {
      expect(sha256Of(await bytesAt(download_url))).toBe(file_hash)
    }
  })

  test('or as a whole, where the plugin is too old', async () => {
    for (const plugin_version of ['7.0.34', '6.24.9', '5.9.0']) {
      const answer = await ask({ plugin_version })
      expect([answer.version, answer.manifest]).toEqual(['1.1.0', undefined])
    }
    for (const plugin_version of ['7.0.35', '6.25.0', '5.10.0']) {
      expect((await ask({ plugin_version })).manifest).toHaveLength(4)
    }
  })

  test('and is told how much that is', async () => {
    const { manifest } = await ask({})
    const stranger = { file_name: 'other.js', file_hash: 'x', download_url: 'https://elsewhere.example/' }
    const asked = { version: '1.1.0', manifest: [...manifest, stranger] }
    const sizes = await ask(asked, '/capgo/updates/manifest_size')
    expect(sizes.files.map(({ size, error }: { size?: number; error?: string }) => size ?? error)).toEqual([
      0,
      (await bytesAt(manifest[1].download_url)).length,
      8,
      1,
      'not_found',
    ])
    expect(sizes).toMatchObject({ totalSize: sizes.files[1].size + 9, knownFiles: 4, unknownFiles: 1 })
    expect(sizes.files[0]).toEqual({ ...manifest[0], size: 0 })
    const ofNone = await ask({ ...asked, version: '9.9.9' }, '/capgo/updates/manifest_size')
    expect(ofNone).toMatchObject({ totalSize: 0, knownFiles: 0, unknownFiles: 5 })
    expect(await ask({ version: '1.1.0', manifest: [{}] }, '/capgo/updates/manifest_size')).toMatchObject({
      error: 'invalid_request',
    })
  })

  test('but not where one has a name that means something else to it', async () => {
    await publish('1.2.0', { 'index.html': '<p>2</p>', 'assets/app.js.br': 'not what it seems' })
    const answer = await ask({})
    expect([answer.version, answer.manifest]).toEqual(['1.2.0', undefined])
  })
})
