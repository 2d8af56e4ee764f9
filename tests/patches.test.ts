import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { App, EmbeddedUpdate, Explanation, PublishedArchive } from '@hotpatch/api'
import type { HttpPort } from '@hotpatch/client'
import { EMPTY_TREE } from '@hotpatch/protocol'
import { createNodeEngine, createNodeHttp } from '@hotpatch/client/node'
import {
  createPostgresDatabase,
  eventually,
  makeTemporaryDirectory,
  runCliProcess,
  startServerProcess,
  type ServerProcess,
} from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readTree } from './react-native-app.ts'

/**
 * The tool publishes to a server process, which makes patches, and engines on real folders go from 1.0.0 to 1.1.0, and to
 * 1.2.0 from what their binary shipped with.
 */
const DATABASES = [
  { name: 'SQLite', isThere: true },
  { name: 'PostgreSQL', isThere: Boolean(process.env.TEST_POSTGRES_URL) },
]

function filesOf(version: string): Record<string, string | Uint8Array> {
  const code = Array.from({ length: 20_000 }, (_, line) => `__d(function(){return ${(line * 7919) % 10_007}},${line});`)
  code.splice(9_000, 0, `show(${JSON.stringify(`This is ${version}`)});`)
  return {
    'index.android.bundle': code.join('\n'),
    'drawable-mdpi/photo.jpg': noise(200_000),
    'raw/only.txt': version,
  }
}

for (const { name, isThere } of DATABASES) {
  describe.skipIf(!isThere)(`patches from server to device, on ${name}`, () => {
    let server: ServerProcess
    let directory: string
    let app: App
    let publicKey: string
    let dropDatabase: (() => Promise<void>) | undefined
    const releases = new Map<string, { published: PublishedArchive; directory: string }>()

    beforeAll(async () => {
      directory = await makeTemporaryDirectory()
      const env: Record<string, string> = { HOTPATCH_LOG_LEVEL: 'warn' }
      if (name === 'PostgreSQL') {
        const database = await createPostgresDatabase(process.env.TEST_POSTGRES_URL ?? '')
        env.DATABASE_URL = database.url
        dropDatabase = database.drop
      }
      server = await startServerProcess({ directory: join(directory, 'data'), env })
      app = await hotpatch<App>('apps', 'create', 'patched', '--device-ids', 'as-given', '--yes')
      await hotpatch('keys', 'generate', '--yes')
      publicKey = (await hotpatch<{ publicKey: string }>('keys', 'show')).publicKey
    })
    afterAll(async () => {
      await server.stop()
      await dropDatabase?.()
      await rm(directory, { recursive: true, force: true })
    })

    async function hotpatch<Answer>(...args: string[]): Promise<Answer> {
      const env = { HOME: directory, HOTPATCH_URL: server.url, HOTPATCH_TOKEN: server.ownerToken }
      const { code, stdout, stderr } = await runCliProcess([...args, '--json'], { cwd: directory, env })
      if (code !== 0) throw new Error(`hotpatch ${args.join(' ')} ended with ${code}:\n${stderr}`)
      return JSON.parse(stdout) as Answer
    }

    async function build(version: string): Promise<string> {
      const built = join(directory, `built-${version}`)
      for (const [path, content] of Object.entries(filesOf(version))) {
        await mkdir(join(built, path, '..'), { recursive: true })
        await writeFile(join(built, path), content)
      }
      return built
    }

    async function release(version: string): Promise<void> {
      const built = await build(version)
      const args = ['--app', 'patched', '--platform', 'android', '--version', version, '--bundle-dir', built, '--yes']
      releases.set(version, { published: await hotpatch<PublishedArchive>('release', ...args), directory: built })
    }

    /** A phone that counts what it fetches. `damage` is what the way does to a patch. */
    function createPhone(
      deviceId: string,
      {
        damage = (bytes) => bytes,
        ships,
      }: { damage?: (bytes: Uint8Array) => Uint8Array; ships?: string | undefined } = {},
    ) {
      const network = createNodeHttp()
      const fetched: { path: string; bytes: number }[] = []
      const isBundle = (path: string) =>
        [...releases.values()].some(({ published }) => path.endsWith(published.content.sha256))
      const http: HttpPort = {
        open(request) {
          const { response, abort } = network.open(request)
          if (request.method !== 'GET') return { response, abort }
          const download = { path: new URL(request.url).pathname, bytes: 0 }
          fetched.push(download)
          const counted = async () => {
            const { body, ...rest } = await response
            return { ...rest, body: countOf(body) }
          }
          async function* countOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
            for await (const bytes of body) {
              download.bytes += bytes.length
              yield isBundle(download.path) ? bytes : damage(bytes)
            }
          }
          return { response: counted(), abort }
        },
      }
      const startEngine = async () => {
        const engine = createNodeEngine({
          directory: join(directory, 'phones', deviceId),
          host: { platform: 'android', nativeVersion: '1.0' },
          ...(ships !== undefined && { embeddedDirectory: ships }),
          serverUrl: server.url,
          appKey: app.appKey,
          appId: app.id,
          deviceId,
          channel: 'production',
          publicKeys: [publicKey],
          allowInsecure: 'loopback',
          ports: { http },
        })
        return { engine, launched: await engine.start() }
      }

      async function expectRuns(version: string): Promise<void> {
        const { engine, launched } = await startEngine()
        if (launched.kind !== 'release') throw new Error(`${deviceId} runs what it shipped with, not ${version}`)
        expect(launched.version).toBe(version)
        const tree = await readTree(launched.directory)
        tree.delete('.hotpatch.json')
        expect(tree).toEqual(await readTree(releases.get(version)?.directory ?? ''))
        expect(await engine.confirm()).toBe(true)
        await engine.flushReports()
      }

      async function update(): Promise<typeof fetched> {
        const { engine } = await startEngine()
        fetched.length = 0
        expect(await engine.sync()).toMatchObject({ kind: 'staged' })
        return fetched
      }

      return { startEngine, update, expectRuns }
    }

    const patched = () => createPhone('patched')
    const unlucky = () =>
      createPhone('unlucky', { damage: (bytes) => bytes.map((byte, index) => (index === 90 ? byte ^ 1 : byte)) })

    const patchFrom = (version: string | null) =>
      patchOf({ releaseId: releases.get(version ?? '')?.published.releaseId }, version === null)

    type Patch = { sizeBytes: number; url: string; baseTree: string }

    /** As devices that run it are told, once the server has made it; as others, of nothing. */
    async function patchOf(running: object, isOfNothing = false): Promise<Patch> {
      const told = { deviceId: 'asks', platform: 'android', nativeVersion: '1.0', ...running, patches: ['hpdelta1-br'] }
      const ask = async () => {
        const response = await fetch(`${server.url}/update/check`, {
          method: 'POST',
          headers: { 'x-app-key': app.appKey, 'content-type': 'application/json' },
          body: JSON.stringify(told),
        })
        const { patch } = (await response.json()) as { patch?: Patch }
        expect(patch && patch.baseTree === EMPTY_TREE).toBe(isOfNothing)
        return patch as Patch
      }
      // Not more often than a device may ask.
      return eventually(ask, { everyMs: 1_000 })
    }

    test('the first release comes packed, and where that is damaged, whole', async () => {
      await release('1.0.0')
      const { content } = releases.get('1.0.0')?.published ?? expect.unreachable()
      const packed = await patchFrom(null)
      expect(packed.sizeBytes).toBeLessThan(0.95 * content.sizeBytes)
      const fetched = { path: new URL(packed.url).pathname, bytes: packed.sizeBytes }
      const phone = patched()
      expect(await phone.update()).toEqual([fetched])
      await phone.expectRuns('1.0.0')
      const other = unlucky()
      const whole = { path: `/artifacts/${content.sha256}`, bytes: content.sizeBytes }
      expect(await other.update()).toEqual([fetched, whole])
      await other.expectRuns('1.0.0')
    })

    test('the next one comes as a patch, in a hundredth of the bytes', async () => {
      await release('1.1.0')
      const patch = await patchFrom('1.0.0')
      const { content } = releases.get('1.1.0')?.published ?? expect.unreachable()
      expect(patch.sizeBytes).toBeLessThan(content.sizeBytes / 100)
      const phone = patched()
      expect(await phone.update()).toEqual([{ path: new URL(patch.url).pathname, bytes: patch.sizeBytes }])
      await phone.expectRuns('1.1.0')
    })

    test('where it comes damaged, the bundle follows, and only that is told', async () => {
      const patch = await patchFrom('1.0.0')
      const { content, releaseId } = releases.get('1.1.0')?.published ?? expect.unreachable()
      const phone = unlucky()
      expect(await phone.update()).toEqual([
        { path: new URL(patch.url).pathname, bytes: patch.sizeBytes },
        { path: `/artifacts/${content.sha256}`, bytes: content.sizeBytes },
      ])
      await phone.expectRuns('1.1.0')
      expect((await phone.startEngine()).engine.status().failedReleaseIds).toEqual([])
      const told = await toldOf('unlucky')
      expect(told).toContain(releaseId)
      expect(told).toContain('patch-failed')
      expect(told).toContain('hash-mismatch: ')
    })

    /** The page of a device, or what happened to it, as text. */
    async function toldOf(deviceId: string, part = ''): Promise<string> {
      const response = await fetch(`${server.url}/manage/v1/apps/patched/devices/${deviceId}${part}`, {
        headers: { authorization: `Bearer ${server.ownerToken}` },
      })
      expect(response.status).toBe(200)
      return JSON.stringify(await response.json())
    }

    test('of what a binary shipped with, the first download is a patch', async () => {
      const ships = await build('1.1.9')
      const line = 'updates embedded upload --app patched --platform android --native-version 1.0+7 --yes'
      const shipped = await hotpatch<EmbeddedUpdate>(...line.split(' '), ships)
      await release('1.2.0')
      const patch = await patchOf({ embeddedUpdateId: shipped.id })
      const { content } = releases.get('1.2.0')?.published ?? expect.unreachable()
      expect(patch.sizeBytes).toBeLessThan(content.sizeBytes / 100)
      const phone = createPhone('new', { ships })
      const { engine } = await phone.startEngine()
      expect(await engine.check()).toMatchObject({ kind: 'available', expectedBytes: patch.sizeBytes })
      const { notices } = await hotpatch<Explanation>('why', 'new', '--app', 'patched')
      expect(notices).toMatchObject([
        { kind: 'patch-there', explanation: expect.stringContaining(`${patch.sizeBytes} bytes`) },
      ])
      expect(await phone.update()).toEqual([{ path: new URL(patch.url).pathname, bytes: patch.sizeBytes }])
      await phone.expectRuns('1.2.0')
      await expect.poll(() => toldOf('new', '/timeline')).toContain(`"receivedBytes":${patch.sizeBytes}`)
      // Another binary, of which nobody has said anything: the release packed, and no request that leads to nothing.
      const packed = await patchOf({}, true)
      const stranger = createPhone('stranger', { ships: await build('0.1.0') })
      expect(await stranger.update()).toEqual([{ path: new URL(packed.url).pathname, bytes: packed.sizeBytes }])
    })
  })
}
