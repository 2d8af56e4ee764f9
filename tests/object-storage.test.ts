import { createHash } from 'node:crypto'
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import type { App, PublishedRelease } from '@hotpatch/api'
import {
  eventually,
  publishForm,
  runCliProcess,
  startServerProcess,
  temporaryDirectory,
  zipOf,
  type ServerProcess,
} from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import {
  hasObjectStore,
  OBJECT_STORE_MISSING,
  startObjectStore,
  type ObjectStore,
} from '@hotpatch/testkit/object-store'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openTcpProxy } from './tcp-proxy.ts'

/** Says of every module of AWS's that a process looks for. */
const WATCH_LOADING = `
  import { registerHooks } from 'node:module'
  registerHooks({ resolve(specifier, context, next) {
    if (specifier.startsWith('@aws-sdk/')) process.stderr.write('looks for ' + specifier + '\\n')
    return next(specifier, context)
  } })`

if (!hasObjectStore()) test.skip(`artifacts in a bucket: ${OBJECT_STORE_MISSING}`)
else
  describe('artifacts in a bucket', () => {
    let store: ObjectStore
    beforeAll(async () => {
      store = await startObjectStore()
    })
    afterAll(() => store.stop())

    async function start(directory: string, env: Record<string, string> = {}): Promise<ServerProcess> {
      const server = await startServerProcess({ directory, env: { HOTPATCH_METRICS: 'open', ...env } })
      onTestFinished(async () => void (await server.stop('SIGKILL')))
      return server
    }

    const readyOf = async (server: ServerProcess) =>
      (await (await fetch(`${server.url}/readyz`)).json()) as { status: string; storage?: string }

    test('a server that may not write there does not start, and says why', async () => {
      const root = await temporaryDirectory()
      const env = { ...store.env, AWS_SECRET_ACCESS_KEY: 'another secret' }
      const message = await start(root, env).then(
        () => 'started',
        (error: unknown) => String(error),
      )
      expect(message).toContain('found SignatureDoesNotMatch. Correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
      expect(message).not.toContain('another secret')
    })

    test('what is published is in the store, devices are led there, and a server with an empty disk has it all', async () => {
      const root = await temporaryDirectory()
      const [data, home, project] = ['data', 'home', 'project'].map((name) => join(root, name)) as [
        string,
        string,
        string,
      ]
      for (const folder of [data, home, join(project, 'dist')]) await mkdir(folder, { recursive: true })
      await writeFile(join(project, 'dist', 'index.android.bundle'), 'var version = 1')
      let server = await start(data, store.env)
      const token = server.ownerToken
      const json = async <T>(line: string): Promise<T> => {
        const env = { HOME: home, HOTPATCH_URL: server.url, HOTPATCH_TOKEN: token }
        const { code, stdout, stderr } = await runCliProcess([...line.split(' '), '--json'], { cwd: project, env })
        expect([code, stderr]).toEqual([0, expect.anything()])
        return JSON.parse(stdout) as T
      }
      const app = await json<App>('apps create my-app --platforms android --device-ids as-given --yes')
      await json('keys generate')
      await json<PublishedRelease>('release --platform android --bundle-dir dist --version 1.0.0 --yes')

      async function check() {
        const body = {
          appId: app.id,
          deviceId: 'phone-1',
          platform: 'android',
          channel: 'production',
          version: '0.9.0',
        }
        const headers = { 'content-type': 'application/json', 'x-app-key': app.appKey }
        const answer = await fetch(`${server.url}/update/check`, {
          method: 'POST',
          headers,
          body: JSON.stringify(body),
        })
        return (await answer.json()) as { updateAvailable: boolean; bundleUrl?: string; url?: string }
      }
      /** As a device does: asks the server, and goes where that leads. */
      async function download() {
        const offer = await check()
        const address = Object.values(offer).find((value): value is string =>
          /\/artifacts\/[0-9a-f]{64}/.test(String(value)),
        )
        const [, sha256] = /\/artifacts\/([0-9a-f]{64})/.exec(address ?? '') ?? []
        const led = await fetch(address ?? '', { redirect: 'manual' })
        const location = led.headers.get('location') ?? ''
        const bytes = Buffer.from(await (await fetch(location)).arrayBuffer())
        return { status: led.status, location, kept: led.headers.get('cache-control'), isRight: hash(bytes) === sha256 }
      }
      const expected = {
        status: 302,
        location: expect.stringContaining(`${store.endpoint}/${store.bucket}/artifacts/`),
        kept: 'no-store',
        isRight: true,
      }
      expect(await download()).toEqual(expected)
      expect(await readdir(data)).not.toContain('artifacts')

      // Only the facts are left: what an operator has in a database elsewhere.
      await server.stop('SIGKILL')
      const kept = join(root, 'kept')
      await mkdir(kept)
      const database = new DatabaseSync(join(data, 'hotpatch.db'))
      database.exec(`vacuum into '${join(kept, 'hotpatch.db')}'`)
      database.close()
      const secrets = (await readdir(data)).filter((name) => /secret|key/.test(name))
      for (const name of secrets) await cp(join(data, name), join(kept, name))
      await rm(data, { recursive: true })
      server = await start(kept, { ...store.env, PORT: new URL(server.url).port })
      expect(await download()).toEqual(expected)

      // Without the store checks go on, publishing says that it must wait, and whoever looks is told.
      await store.kill()
      expect((await check()).updateAvailable).toBe(true)
      await writeFile(join(project, 'dist', 'index.android.bundle'), 'var version = 2')
      const env = { HOME: home, HOTPATCH_URL: server.url, HOTPATCH_TOKEN: token }
      const line = 'release --platform android --bundle-dir dist --version 2.0.0 --yes'
      const refused = await runCliProcess(line.split(' '), { cwd: project, env })
      expect(refused.code).not.toBe(0)
      expect(refused.stderr).toContain('The artifact storage cannot be reached')
      expect(await readyOf(server)).toEqual({ status: 'ready', storage: 'unreachable' })
      expect(await (await fetch(`${server.url}/metrics`)).text()).toMatch(/^hotpatch_storage_reachable 0$/m)
      await store.startAgain()
      await eventually(async () => expect(await readyOf(server)).toEqual({ status: 'ready', storage: 'reachable' }))
      await json<PublishedRelease>(line)
      expect(await download()).toEqual(expected)
      expect(server.output()).not.toContain('writer-secret')
    })

    test('a download that the server streams outlasts a store that breaks off, and never ends short', async () => {
      const proxy = await openTcpProxy(Number(new URL(store.endpoint).port))
      onTestFinished(proxy.close)
      const server = await start(join(await temporaryDirectory(), 'data'), {
        ...store.env,
        S3_ENDPOINT: `http://${proxy.address}`,
        S3_DOWNLOADS: 'server',
      })
      const headers = { authorization: `Bearer ${server.ownerToken}` }
      await fetch(`${server.url}/manage/v1/apps`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ slug: 'shop' }),
      })
      const bundle = await zipOf({ 'index.android.bundle': noise(12_000_000) })
      const body = publishForm({ platform: 'android', version: '1.0.0' }, bundle, {})
      const published = await fetch(`${server.url}/manage/v1/apps/shop/releases`, { method: 'POST', headers, body })
      expect(published.status).toBe(201)
      const address = `${server.url}/artifacts/${hash(bundle)}`

      proxy.cutAfter(3_000_000)
      const whole = await fetch(address)
      expect([whole.status, hash(Buffer.from(await whole.arrayBuffer()))]).toEqual([200, hash(bundle)])
      expect(proxy.cuts()).toBeGreaterThan(2)
      const [one, two] = [bundle.subarray(0, 4_000_000), bundle.subarray(6_000_000, 10_000_000)]
      const parts = await fetch(address, { headers: { range: 'bytes=0-3999999,6000000-9999999' } })
      const found = Buffer.from(await parts.arrayBuffer())
      expect([parts.status, found.includes(one), found.includes(two)]).toEqual([206, true, true])

      // It never gets anywhere: the client is cut off, and knows that it has not all of it.
      proxy.cutAfter(100_000)
      const short = await fetch(address)
      expect(short.status).toBe(200)
      await expect(short.arrayBuffer()).rejects.toThrow('terminated')
      proxy.cutAfter(Number.POSITIVE_INFINITY)
      expect(hash(Buffer.from(await (await fetch(address)).arrayBuffer()))).toBe(hash(bundle))
    })

    test("AWS's client is loaded where there is a bucket, and nowhere else", async () => {
      const root = await temporaryDirectory()
      const hook = join(root, 'watch.mjs')
      await writeFile(hook, WATCH_LOADING)
      const watched = { NODE_OPTIONS: `--import=${pathToFileURL(hook).href}` }
      const onDisk = await start(join(root, 'disk'), watched)
      const inBucket = await start(join(root, 'bucket'), { ...watched, ...store.env })
      expect(await readyOf(onDisk)).toEqual({ status: 'ready' })
      expect(onDisk.output()).not.toContain('looks for @aws-sdk/')
      expect(inBucket.output()).toContain('looks for @aws-sdk/client-s3')
    })
  })

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
