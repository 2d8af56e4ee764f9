import { cp, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseMultipartMixedResponseAsync } from '@expo/multipart-body-parser'
import type { App, PublishedRelease } from '@hotpatch/api'
import {
  makeTemporaryDirectory,
  runCliProcess,
  sha256Of,
  startServerProcess,
  type ServerProcess,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const EXAMPLE = fileURLToPath(new URL('../examples/expo', import.meta.url))
const EMBEDDED = 'f47ac10b-58cc-4372-a567-0e02b2c3d479'

interface Asset {
  hash: string
  key: string
  contentType: string
  fileExtension: string
  url: string
}

interface Manifest {
  id: string
  runtimeVersion: string
  launchAsset: Asset
  assets: Asset[]
  extra: { expoClient: { name: string; sdkVersion: string } }
}

/** The real Expo, which `npm test` installs: it works out the config, and Metro and Hermes make the bundle. */
describe.skipIf(process.env.HOTPATCH_EXPO_READY !== '1')('the example for Expo', () => {
  let server: ServerProcess
  let directory = ''
  const at = (...names: string[]) => join(directory, 'app', ...names)

  beforeAll(async () => {
    directory = await makeTemporaryDirectory()
    const env = { HOTPATCH_LOG_LEVEL: 'warn', HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' }
    server = await startServerProcess({ directory: join(directory, 'data'), env })
    await cp(EXAMPLE, at(), { recursive: true, filter: (path) => !/node_modules|\.expo$|dist$/.test(path) })
    await symlink(join(EXAMPLE, 'node_modules'), at('node_modules'))
  })
  afterAll(() => server?.stop())

  async function hotpatch<Answer>(...args: string[]): Promise<Answer> {
    const { code, stdout, stderr } = await runCliProcess([...args, '--json'], {
      cwd: at(),
      env: { HOME: directory, HOTPATCH_TOKEN: server.ownerToken, HOTPATCH_URL: server.url, EXPO_OFFLINE: '1' },
    })
    expect([args, code, stderr]).toEqual([args, 0, expect.anything()])
    return JSON.parse(stdout) as Answer
  }

  async function manifest(current = EMBEDDED): Promise<Manifest | undefined> {
    const app = JSON.parse(await readFile(at('app.json'), 'utf8')) as {
      expo: { updates: { url: string; requestHeaders: Record<string, string> } }
    }
    const { url, requestHeaders } = app.expo.updates
    const answer = await fetch(url, {
      headers: {
        accept: 'multipart/mixed,application/expo+json,application/json',
        'expo-platform': 'android',
        'expo-protocol-version': '1',
        'expo-runtime-version': '1.0.0',
        'eas-client-id': '0b0c0d0e-0000-4000-8000-00000000000a',
        'expo-embedded-update-id': EMBEDDED,
        'expo-current-update-id': current,
        ...requestHeaders,
      },
    })
    if (answer.status === 204) return undefined
    const contentType = answer.headers.get('content-type') ?? ''
    const [part] = await parseMultipartMixedResponseAsync(contentType, Buffer.from(await answer.arrayBuffer()))
    expect(part?.name).toBe('manifest')
    return JSON.parse(part?.body ?? '') as Manifest
  }

  async function fetchAll({ launchAsset, assets }: Manifest): Promise<Buffer[]> {
    return Promise.all(
      [launchAsset, ...assets].map(async ({ url, hash }) => {
        const answer = await fetch(url, { headers: { 'expo-platform': 'android' } })
        const bytes = Buffer.from(await answer.arrayBuffer())
        expect(Buffer.from(sha256Of(bytes), 'hex').toString('base64url')).toBe(hash)
        return bytes
      }),
    )
  }

  test(
    'is configured, exported and published by the tool, and then only what is new',
    { timeout: 600_000 },
    async () => {
      await hotpatch<App>('apps', 'create', 'demo', '--check-access', 'open', '--platforms', 'android,ios', '--yes')
      await hotpatch('expo', 'configure', '--app', 'demo', '--yes')
      const publish = () => {
        const what = ['publish', '--app', 'demo', '--platform', 'android', '--no-sign', '--yes']
        return hotpatch<PublishedRelease>(...what)
      }
      const { version } = await publish()
      expect(version).toMatch(/^1\.0\.0\+\d{14}$/)
      const first = (await manifest()) ?? expect.unreachable('nothing is published')
      expect(first).toMatchObject({
        runtimeVersion: '1.0.0',
        extra: { expoClient: { name: 'Demo', sdkVersion: '57.0.0' } },
        assets: [{ fileExtension: '.png', contentType: 'image/png' }],
      })
      const [bundle, logo] = await fetchAll(first)
      expect(logo).toEqual(await readFile(at('assets/logo.png')))
      // Hermes bytecode begins so.
      expect(bundle?.subarray(0, 4).toString('hex')).toBe('c61fbc03')
      expect(await manifest(first.id)).toBeUndefined()

      const source = await readFile(at('App.js'), 'utf8')
      await writeFile(at('App.js'), source.replace('Version one', 'Version two'))
      await publish()
      const second = (await manifest(first.id)) ?? expect.unreachable('nothing is published')
      expect(second.assets).toEqual(first.assets)
      expect(second.launchAsset.hash).not.toBe(first.launchAsset.hash)
      const [changed] = await fetchAll(second)
      expect(changed?.includes('Version two')).toBe(true)
    },
  )
})
