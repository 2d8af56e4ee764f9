import { cp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createNodeEngine } from '@hotpatch/client/node'
import {
  createManagementClient,
  type App,
  type Explanation,
  type Page,
  type PublishedArchive,
  type Release,
  type Rollout,
} from '@hotpatch/api'
import { isInPercentage } from '@hotpatch/protocol'
import {
  makeTemporaryDirectory,
  runCliProcess,
  startServerProcess,
  STORY_DATABASES,
  type ServerProcess,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyReactNativeApp, readTree, setRelease } from './react-native-app.ts'

/** What the bundler wrote, by "platform version": the second story publishes it again without bundling. */
const built = new Map<string, { directory: string; tree: Map<string, Buffer> }>()
const kept: string[] = []

afterAll(async () => {
  for (const directory of kept) await rm(directory, { recursive: true, force: true })
})

/**
 * The whole story with real parts: the tool bundles a real React Native app with the real bundler, signs and uploads
 * it to a real server process, and device engines run what they get. Each test goes on where the one before ended.
 */
for (const [name, openDatabase] of STORY_DATABASES) {
  describe.skipIf(process.env.HOTPATCH_EXAMPLE_READY !== '1')(`a React Native app on ${name}`, () => {
    let server: ServerProcess
    let directory: string
    let app: App
    let appDirectory: string
    let publicKey: string
    let dropDatabase: (() => Promise<void>) | undefined
    const serverEnv: Record<string, string> = { HOTPATCH_LOG_LEVEL: 'warn' }
    const devices = new Map<string, Device>()

    beforeAll(async () => {
      directory = await makeTemporaryDirectory()
      kept.push(directory)
      appDirectory = await copyReactNativeApp(directory)
      const database = await openDatabase()
      Object.assign(serverEnv, database.env)
      dropDatabase = database.drop
      server = await startServer()
    })
    afterAll(async () => {
      await server.stop()
      await dropDatabase?.()
    })

    const startServer = () => startServerProcess({ directory: join(directory, 'data'), env: serverEnv })
    const api = () => createManagementClient({ url: server.url, token: server.ownerToken })

    /** Runs the tool; `--json` answers are read. */
    async function hotpatch<Answer>(...args: string[]): Promise<Answer> {
      const env = {
        HOME: directory,
        HOTPATCH_URL: server.url,
        HOTPATCH_TOKEN: server.ownerToken,
        // Metro keeps files in the system's temporary folder.
        TMPDIR: directory,
      }
      const { code, stdout, stderr } = await runCliProcess([...args, '--json'], { cwd: appDirectory, env })
      if (code !== 0) throw new Error(`hotpatch ${args.join(' ')} ended with ${code}:\n${stderr}`)
      return JSON.parse(stdout) as Answer
    }

    async function release(platform: string, version: string, ...options: string[]): Promise<PublishedArchive> {
      const key = `${platform} ${version}`
      const known = built.get(key)
      const source = known ? ['--bundle-dir', known.directory] : []
      await setRelease(appDirectory, { version, headline: `This is ${version}` })
      const args = ['--app', 'journey', '--platform', platform, '--version', version, '--yes', ...source, ...options]
      const published = await hotpatch<PublishedArchive>('release', ...args)
      if (!known) {
        const output = join(appDirectory, 'build', `hotpatch-${platform}`)
        const copy = join(directory, `built-${platform}-${version}`)
        const tree = await readTree(output)
        // Source maps stay at home.
        expect(tree.delete(`${platform === 'ios' ? 'main.jsbundle' : 'index.android.bundle'}.map`)).toBe(true)
        await cp(output, copy, { recursive: true })
        built.set(key, { directory: copy, tree })
      }
      return published
    }

    function device(id: string, platform: string): Device {
      const known = devices.get(id)
      if (known) return known
      const created = new Device(id, () =>
        createNodeEngine({
          directory: join(directory, 'devices', id),
          host: { platform, nativeVersion: '1.0' },
          serverUrl: server.url,
          appKey: app.appKey,
          appId: app.id,
          deviceId: id,
          channel: 'production',
          publicKeys: [publicKey],
          allowInsecure: 'loopback',
        }),
      )
      devices.set(id, created)
      return created
    }

    async function expectRuns(id: string, platform: string, version: string) {
      const launched = await device(id, platform).restart()
      if (launched.kind !== 'release') throw new Error(`${id} runs what it shipped with, not ${version}`)
      expect(launched.version).toBe(version)
      const tree = await readTree(launched.directory)
      tree.delete('.hotpatch.json')
      const original = built.get(`${platform} ${version}`)?.tree
      expect([...tree.keys()]).toEqual([...(original?.keys() ?? [])])
      const different = [...tree].filter(([path, bytes]) => !bytes.equals(original?.get(path) ?? Buffer.of()))
      expect(different).toEqual([])
    }

    test('the app, its key and its first release are made with the tool', async () => {
      // Whoever is inside the percentage is computed here from the ids that the devices tell.
      app = await hotpatch<App>('apps', 'create', 'journey', '--device-ids', 'as-given', '--yes')
      await hotpatch('keys', 'generate', '--yes')
      publicKey = (await hotpatch<{ publicKey: string }>('keys', 'show')).publicKey
      const android = await release('android', '1.0.0')
      const ios = await release('ios', '1.0.0')
      expect(android).toMatchObject({
        version: '1.0.0',
        platform: 'android',
        channel: 'production',
        keyRegistered: true,
      })
      expect(ios).toMatchObject({ version: '1.0.0', platform: 'ios', keyRegistered: false })
      expect([...(built.get('android 1.0.0')?.tree.keys() ?? [])]).toContain('index.android.bundle')
      expect([...(built.get('ios 1.0.0')?.tree.keys() ?? [])]).toContain('main.jsbundle')
    })

    test('devices of both platforms run exactly what the bundler wrote', async () => {
      for (const [id, platform] of [
        ['android-first', 'android'],
        ['ios-first', 'ios'],
      ] as const) {
        expect(await device(id, platform).sync()).toMatchObject({ kind: 'staged', version: '1.0.0' })
        await expectRuns(id, platform, '1.0.0')
        await device(id, platform).confirm()
      }
    })

    test('of two devices at a 50 % rollout one gets it', async () => {
      const { rolloutId } = await release('android', '1.1.0', '--rollout', '0')
      await release('ios', '1.1.0')
      const ids = Array.from({ length: 50 }, (_, index) => `android-${index}`)
      const inside = ids.find((id) => isInPercentage(50, rolloutId, id, 10_000)) ?? ''
      const outside = ids.find((id) => !isInPercentage(50, rolloutId, id, 10_000)) ?? ''
      for (const id of [inside, outside]) {
        expect(await device(id, 'android').sync()).toMatchObject({ kind: 'staged', version: '1.0.0' })
        await expectRuns(id, 'android', '1.0.0')
        await device(id, 'android').confirm()
      }

      const rollout = await hotpatch<Rollout>('rollouts', 'set', rolloutId, '--percentage', '50', '--yes')
      expect(rollout.percentage).toBe(50)
      expect(await device(inside, 'android').sync()).toMatchObject({ kind: 'staged', version: '1.1.0' })
      expect(await device(outside, 'android').sync()).toMatchObject({ kind: 'up-to-date' })
      await expectRuns(inside, 'android', '1.1.0')
      await expectRuns(outside, 'android', '1.0.0')
      await device(inside, 'android').confirm()
      devices.set('outside', device(outside, 'android'))
      devices.set('inside', device(inside, 'android'))
    })

    test('an iPhone goes from one release to the next', async () => {
      expect(await device('ios-first', 'ios').sync()).toMatchObject({ kind: 'staged', version: '1.1.0' })
      await expectRuns('ios-first', 'ios', '1.1.0')
      await device('ios-first', 'ios').confirm()
    })

    test('a release that crashes is rolled back by the device, and reported', async () => {
      const bad = await release('android', '1.2.0')
      const phone = device('inside', 'android')
      expect(await phone.sync()).toMatchObject({ kind: 'staged', version: '1.2.0' })
      // Two starts without a confirmation: the app crashed both times.
      await expectRuns('inside', 'android', '1.2.0')
      await expectRuns('inside', 'android', '1.2.0')
      await expectRuns('inside', 'android', '1.1.0')
      expect(await phone.sync()).toMatchObject({ kind: 'up-to-date' })

      const seen = await api().getDevice('journey', phone.id)
      expect(seen.failedReleaseIds).toEqual([bad.releaseId])
      expect(seen.events.map((event) => event.kind)).toContain('rolled-back')
      const why = await hotpatch<Explanation>('explain', '--app', 'journey', '--device', phone.id)
      const verdicts = why.rollouts.find((rollout) => rollout.releaseId === bad.releaseId)?.verdicts
      expect(verdicts?.map((verdict) => verdict.reason)).toContain('failed-on-this-device')
    })

    test('a roll-back, signed by the publisher, takes every device back', async () => {
      const target = ['--app', 'journey', '--platform', 'android', '--channel', 'production']
      await hotpatch('rollback', ...target, '--version', '1.0.0', '--yes')
      expect(await device('inside', 'android').sync()).toMatchObject({ kind: 'staged', version: '1.0.0' })
      await expectRuns('inside', 'android', '1.0.0')
      await device('inside', 'android').confirm()
      expect(await device('outside', 'android').sync()).toMatchObject({ kind: 'up-to-date' })
    })

    test('a roll-back to embedded takes every device back to what it shipped with', async () => {
      const target = ['--app', 'journey', '--platform', 'ios', '--channel', 'production']
      await hotpatch('rollback', ...target, '--to', 'embedded', '--yes')
      expect(await device('ios-first', 'ios').sync()).toMatchObject({ kind: 'staged', releaseId: null })
      expect(await device('ios-first', 'ios').restart()).toEqual({ kind: 'embedded' })
      await device('ios-first', 'ios').sync()
      const seen = await api().getDevice('journey', 'ios-first')
      expect(seen.currentReleaseId).toBeNull()
      expect(seen.events[0]).toMatchObject({ kind: 'applied', releaseId: null })
    })

    test('a server that is killed in the middle of an upload has nothing half-published', async () => {
      const before = await api().listReleases('journey')
      await uploadHalf(server)
      await server.stop('SIGKILL')
      server = await startServer()

      expect((await api().listReleases('journey')).items).toEqual(rehosted(before, server.url))
      // What is made in the background after a start is there for a while, too.
      const spooled = async () => [...(await readTree(join(directory, 'data', 'uploads'))).keys()]
      await expect.poll(spooled).toEqual([])
      // It has another port now, and the tool does not take another address for the same server by itself.
      await hotpatch('trust', 'app', '--app', 'journey', '--yes')
      const published = await release('android', '1.3.0')
      await device('outside', 'android').restart()
      expect(await device('outside', 'android').sync()).toMatchObject({ releaseId: published.releaseId })
    })
  })
}

/** A phone: each restart is a new process as far as the engine can tell. */
class Device {
  readonly id: string
  readonly #createEngine: () => ReturnType<typeof createNodeEngine>
  #engine: ReturnType<typeof createNodeEngine> | undefined

  constructor(id: string, createEngine: () => ReturnType<typeof createNodeEngine>) {
    this.id = id
    this.#createEngine = createEngine
  }

  async restart() {
    this.#engine = this.#createEngine()
    return this.#engine.start()
  }

  async sync() {
    return (await this.#running()).sync()
  }

  async confirm() {
    const engine = await this.#running()
    expect(await engine.confirm()).toBe(true)
    await engine.flushReports()
  }

  async #running() {
    if (!this.#engine) await this.restart()
    if (!this.#engine) throw new Error('no engine')
    return this.#engine
  }
}

/** Sends a publish whose body stops in the middle, and returns when the server has begun to store it. */
async function uploadHalf(server: ServerProcess): Promise<void> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined) // the server is about to be killed
  const boundary = 'half'
  const head =
    `--${boundary}\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n` +
    `{"platform":"android","version":"9.9.9"}\r\n--${boundary}\r\n` +
    `Content-Disposition: form-data; name="bundle"; filename="bundle.zip"\r\nContent-Type: application/zip\r\n\r\n`
  const lines = [
    'POST /manage/v1/apps/journey/releases HTTP/1.1',
    `Host: ${hostname}:${port}`,
    `Authorization: Bearer ${server.ownerToken}`,
    `Content-Type: multipart/form-data; boundary=${boundary}`,
    'Content-Length: 10000000',
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n${head}`)
  socket.write(Buffer.alloc(5_000_000, 7))
  const uploads = join(server.directory, 'uploads')
  await expect.poll(async () => [...(await readTree(uploads)).values()].some((bytes) => bytes.length > 0)).toBe(true)
}

/** The same releases, as a server on another port names their addresses. */
function rehosted(page: Page<Release>, url: string) {
  return page.items.map(({ content, ...item }) => {
    if (content.kind !== 'archive') throw new Error('Nothing else was published.')
    const downloadUrl = content.downloadUrl.replace(/^http:\/\/[^/]+/, url)
    return { ...item, content: { ...content, downloadUrl } }
  })
}
