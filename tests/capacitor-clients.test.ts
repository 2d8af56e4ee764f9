import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { App, Explanation, Guard, PublishedRelease } from '@hotpatch/api'
import {
  createPostgresDatabase,
  makeTemporaryDirectory,
  runCliProcess,
  startServerProcess,
  type ServerProcess,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFollower } from '../packages/capacitor/src/testing/follower.ts'

const url = process.env.TEST_POSTGRES_URL
const BUNDLE_ID = 'com.example.shop'
/** More than a guard needs to be sure. */
const FAILING = 30

interface Offer {
  version: string | null
  bytes: string
}

interface ReleaseHealth {
  version: string
  attempted: number
  rolledBack: { devices: number }
}

/** What a Capgo plugin tells with every request. */
const capgoDevice = (deviceId: string, version: string) => ({
  platform: 'android',
  device_id: deviceId,
  app_id: BUNDLE_ID,
  custom_id: '',
  version_build: '1.0',
  version_code: '1',
  version_os: '15',
  version_name: version,
  plugin_version: '8.51.23',
  is_emulator: false,
  is_prod: true,
  defaultChannel: '',
})

describe.each([
  ['SQLite', true],
  ['PostgreSQL', url !== undefined],
])('one Capacitor app, three clients, on %s', (database, isThere) => {
  describe.runIf(isThere)('with real processes', () => {
    let server: ServerProcess
    let directory: string
    let dropDatabase = async () => {}
    let app: App
    let second: PublishedRelease

    beforeAll(async () => {
      directory = await makeTemporaryDirectory()
      const env: Record<string, string> = { HOTPATCH_LOG_LEVEL: 'error', HOTPATCH_AUTOMATION_SECONDS: '0.2' }
      if (database === 'PostgreSQL') {
        const created = await createPostgresDatabase(url ?? '')
        dropDatabase = created.drop
        env.DATABASE_URL = created.url
      }
      server = await startServerProcess({ directory: join(directory, 'data'), env })
      const page = (version: string) => `<h1>${version}</h1>`
      await mkdir(join(directory, 'home'))
      await writeTree({
        'shop/capacitor.config.json': JSON.stringify({ appId: BUNDLE_ID, appName: 'Shop', webDir: 'dist' }),
        'shop/one/index.html': page('1.0.0'),
        'shop/one/assets/app.js': 'start()',
        'shop/two/index.html': page('1.1.0'),
        'shop/two/assets/app.js': 'start()',
      })
      await hotpatch(['login', '--url', server.url, '--token-stdin'], `${server.ownerToken}\n`)
      const settings = ['--bundle-ids', BUNDLE_ID, '--check-access', 'open', '--platforms', 'android,ios']
      // Everybody here comes from one address, and was never seen before.
      const trust = ['--trust-minutes', '0', '--trust-network', '100']
      app = await hotpatch<App>(['apps', 'create', 'shop', ...settings, '--yes'])
      await hotpatch(['apps', 'set', 'shop', ...trust, '--yes'])
      await release('1.0.0', 'one')
      const guard = ['--guard', 'roll-back', '--guard-sample', '10', '--guard-times', 'off']
      second = await release('1.1.0', 'two', '--rollout', '50', ...guard)
    })
    afterAll(async () => {
      await server.stop()
      await dropDatabase()
      await rm(directory, { recursive: true, force: true })
    })

    async function writeTree(files: Record<string, string>) {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(directory, name)), { recursive: true })
        await writeFile(join(directory, name), text)
      }
    }

    async function hotpatch<Answer>(args: string[], input?: string): Promise<Answer> {
      const env = { HOME: join(directory, 'home'), HOTPATCH_TOKEN: '', HOTPATCH_URL: '' }
      const cwd = join(directory, 'shop')
      const { code, stdout, stderr } = await runCliProcess([...args, '--json'], { cwd, env, ...(input && { input }) })
      if (code !== 0) throw new Error(`hotpatch ${args.join(' ')} ended with ${code}:\n${stderr}`)
      return JSON.parse(stdout) as Answer
    }

    const release = (version: string, folder: string, ...more: string[]) =>
      hotpatch<PublishedRelease>([
        'release',
        '--app',
        'shop',
        '--platform',
        'any',
        '--version',
        version,
        '--bundle-dir',
        folder,
        '--no-sign',
        '--yes',
        ...more,
      ])

    async function post(path: string, body: unknown) {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`${server.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
      return (await response.json()) as Record<string, unknown>
    }

    /** Each asks in its own protocol, and what it is offered is fetched as that client would. */
    const CLIENTS: Record<string, (deviceId: string) => Promise<Offer>> = {
      async sdk(deviceId) {
        const hotPatch = { platform: 'android', deviceId } as const
        const follower = createFollower(`${server.url}/apps/shop`, { nativeVersion: '0.9.0', options: { hotPatch } })
        const outcome = await follower.start()
        if (outcome.kind !== 'asked') return { version: null, bytes: '' }
        await follower.accept()
        return { version: follower.running() ?? null, bytes: 'zip' }
      },
      async capgo(deviceId) {
        const answer = await post('/capgo/updates', capgoDevice(deviceId, 'builtin'))
        if (typeof answer.version !== 'string') return { version: null, bytes: '' }
        return { version: answer.version, bytes: await magicOf(String(answer.url)) }
      },
      async capawesome(deviceId) {
        const query = new URLSearchParams({
          appVersionCode: '1',
          appVersionName: '1.0',
          platform: '0',
          pluginVersion: '8.4.3',
          osVersion: '35',
          deviceId,
        })
        const response = await fetch(`${server.url}/v1/apps/${BUNDLE_ID}/bundles/latest?${query.toString()}`)
        if (!response.ok) return { version: null, bytes: '' }
        const { bundleId, url: address, artifactType } = (await response.json()) as Record<string, string>
        const version = bundleId === second.releaseId ? '1.1.0' : '1.0.0'
        const file = artifactType === 'zip' ? `${address}` : `${address}?href=index.html`
        return { version, bytes: await magicOf(file) }
      },
    }

    /** Zips begin with PK, pages with what they are. */
    async function magicOf(address: string): Promise<string> {
      const response = await fetch(address)
      expect(response.status).toBe(200)
      const bytes = Buffer.from(await response.arrayBuffer())
      return bytes.subarray(0, 2).toString() === 'PK' ? 'zip' : 'page'
    }

    test('each gets by its own protocol what the rollout says, by the same bucket', async () => {
      const versions: string[] = []
      for (let index = 0; index < 12; index += 1) {
        const device = `device-${index}`
        const offers = await Promise.all(Object.values(CLIENTS).map((ask) => ask(device)))
        const [first] = offers
        expect(offers.map(({ version }) => version)).toEqual(Object.keys(CLIENTS).map(() => first?.version))
        expect(offers.every(({ bytes }) => bytes === 'zip' || bytes === 'page')).toBe(true)
        versions.push(first?.version ?? '')
      }
      expect(new Set(versions)).toEqual(new Set(['1.0.0', '1.1.0']))
    })

    test('boots that fail are seen, and the guard takes the release back', async () => {
      const failing = Array.from({ length: FAILING }, (_, index) => `failing-${index}`)
      for (const device of failing) {
        const { version } = await post('/capgo/updates', capgoDevice(device, 'builtin'))
        if (version !== '1.1.0') continue
        const event = (action: string, timestamp: number) => ({
          ...capgoDevice(device, '1.1.0'),
          old_version_name: 'builtin',
          action,
          timestamp,
        })
        const now = Date.now()
        const sent = [event('download_complete', now), event('set', now + 1), event('update_fail', now + 2)]
        expect(await post('/capgo/stats', sent)).toMatchObject({ status: 'ok' })
      }
      const guardOf = () => hotpatch<Guard>(['rollouts', 'guard', second.rolloutId])
      await expect.poll(async () => (await guardOf()).state, { interval: 500 }).not.toBe('watching')
      const { releases } = await hotpatch<{ releases: ReleaseHealth[] }>(['stats', 'health', '--app', 'shop'])
      const { attempted, rolledBack } = releases.find(({ version }) => version === '1.1.0') as ReleaseHealth
      // It acts as soon as it is sure, and nobody is offered it from then on: how many had failed by then, nobody knows.
      expect(rolledBack.devices).toBeGreaterThan(0)
      expect(attempted).toBeGreaterThanOrEqual(rolledBack.devices)
      // Whoever asks now is offered 1.0.0, in every protocol.
      for (const ask of Object.values(CLIENTS)) expect((await ask('somebody-new')).version).toBe('1.0.0')
    })

    test('why explains each of them', async () => {
      for (const [name, ask] of Object.entries(CLIENTS)) {
        const device = `asked-by-${name}`
        await ask(device)
        const why = await hotpatch<Explanation>(['why', device, '--app', 'shop'])
        expect(why.decision.reason).toMatch(/\S/)
        const shown = await hotpatch<{ nativeVersion: string }>(['devices', 'show', device, '--app', 'shop'])
        expect(shown.nativeVersion).toBe(name === 'sdk' ? '0.9.0' : '1.0')
      }
    })

    test('what nobody can read is refused in each client’s own form', async () => {
      const headers = { 'content-type': 'application/json' }
      const broken = await fetch(`${server.url}/capgo/updates`, { method: 'POST', headers, body: '{' })
      expect([broken.status, await broken.json()]).toEqual([
        400,
        expect.objectContaining({ error: 'invalid_json_body' }),
      ])
      const nobody = await fetch(`${server.url}/v1/apps/com.example.nobody/bundles/latest`)
      expect(nobody.ok).toBe(false)
      const manifest = await fetch(`${server.url}/apps/${app.slug}/api/v1/native/bundle/manifest?platform=amiga`)
      expect(await manifest.json()).toMatchObject({ code: 'INVALID_REQUEST' })
    })
  })
})
