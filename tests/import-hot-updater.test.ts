import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { access, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { makeTemporaryDirectory, runCliProcess, startTestServer, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleIdOf, hotUpdaterBundle, type SourceBundle } from '../packages/cli/src/testing/hot-updater-source.ts'
import { attempt, MissingTool } from '../scripts/real-clients/attempt.ts'
import { installClient } from '../scripts/real-clients/hot-updater/client.ts'
import { createPhone } from '../scripts/real-clients/hot-updater/phone.ts'
import { createStandIn } from '../scripts/real-clients/hot-updater/stand-in.ts'

/** hot-updater's own server, pinned. */
const SERVER = '@hot-updater/server'
const PLUGIN_CORE = '@hot-updater/plugin-core'
const PACKAGES = [`${SERVER}@0.36.3`, `${PLUGIN_CORE}@0.36.3`]
const MIN = '019b76da-a800-7000-8000-000000000000'
const exec = promisify(execFile)

const folder = await makeTemporaryDirectory()
afterAll(() => rm(folder, { recursive: true, force: true }))

interface HotUpdater {
  handler(request: Request): Promise<Response>
  insertBundle(bundle: object): Promise<void>
}

/** They cannot be had everywhere, and that is no fault of ours. */
const real = await stage().catch((error: unknown) => {
  if (error instanceof MissingTool) return undefined
  throw error
})

async function stage() {
  const at = join(tmpdir(), 'hotpatch-real-clients', 'hot-updater-server')
  const isThere = await access(join(at, 'node_modules/@hot-updater/server')).then(
    () => true,
    () => false,
  )
  if (!isThere) {
    await mkdir(at, { recursive: true })
    await writeFile(join(at, 'package.json'), '{ "private": true }')
    const install = ['install', ...PACKAGES, '--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund']
    await attempt("hot-updater's server", exec('npm', [...install, '--silent'], { cwd: at, timeout: 120_000 }))
  }
  const require = createRequire(join(at, 'package.json'))
  return {
    client: await installClient(join(folder, 'client')),
    createHotUpdater: (require(SERVER) as { createHotUpdater(options: object): HotUpdater }).createHotUpdater,
    createBlobDatabase: (
      require(PLUGIN_CORE) as {
        createBlobDatabasePlugin(options: object): (config: object) => unknown
      }
    ).createBlobDatabasePlugin,
  }
}

/** hot-updater's server as it is published, over a folder that it keeps as its plugin for S3 keeps a bucket. */
async function startSource(bucket: string) {
  if (!real) throw new Error('It was not staged.')
  const http = createServer((request, response) => {
    void answer(request.url ?? '/').then(async (found) => {
      response.writeHead(found.status, { 'content-type': found.headers.get('content-type') ?? '' })
      response.end(Buffer.from(await found.arrayBuffer()))
    })
  })
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const at = (key: string) => join(bucket, key)
  const listed = async (prefix: string) =>
    (await readdir(bucket, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => relative(bucket, join(entry.parentPath, entry.name)))
      .filter((key) => key.startsWith(prefix))
  const save = async (key: string, content: string | Buffer) => {
    await mkdir(dirname(at(key)), { recursive: true })
    await writeFile(at(key), content)
  }
  const database = real.createBlobDatabase({
    name: 'folder',
    factory: () => ({
      apiBasePath: '/hot-updater',
      listObjects: listed,
      loadObject: async (key: string) => JSON.parse(await readFile(at(key), 'utf8').catch(() => 'null')) as unknown,
      uploadObject: (key: string, data: unknown) => save(key, JSON.stringify(data)),
      deleteObject: (key: string) => rm(at(key), { force: true }),
      invalidatePaths: async () => undefined,
    }),
  })({})
  const runtime = {
    getDownloadUrl: async (uri: string) => ({ fileUrl: `${url}/files${new URL(uri).pathname}` }),
    readText: async () => null,
  }
  const storages = [{ name: 'folder', supportedProtocol: 's3', profiles: { runtime } }]
  const routes = { updateCheck: true, bundles: true }
  const hotUpdater = real.createHotUpdater({ database, storages, basePath: '/hot-updater', routes })

  async function answer(path: string): Promise<Response> {
    const key = /^\/files\/(.+)$/.exec(path)?.[1]
    if (key !== undefined) return new Response(new Uint8Array(await readFile(at(key))))
    return hotUpdater.handler(new Request(`${url}${path}`, { headers: { 'hot-updater-sdk-version': '0.36.3' } }))
  }

  async function deploy(bundle: SourceBundle): Promise<void> {
    const { row, key, zip } = await hotUpdaterBundle(bundle)
    await save(key, zip)
    await hotUpdater.insertBundle(row)
  }
  const close = () => new Promise((resolve) => http.close(resolve))
  return { url: `${url}/hot-updater`, deploy, close }
}

/** How the bytes come, whole or file by file, is each server's own. */
const DECIDED = ['status', 'id', 'shouldForceUpdate', 'message', 'fileHash']

interface Device {
  appVersion: string
  cohort: string
  channel: string
}
const DEVICES: readonly Device[] = [
  ...['1.0.0', '1.2.0', '2.0.0'].flatMap((appVersion) =>
    ['1', '250', '500', '1000'].flatMap((cohort) =>
      ['production', 'beta', 'gone'].map((channel) => ({ appVersion, cohort, channel })),
    ),
  ),
  // Hot-updater §5: in a share for all a cohort with a name is here, and at the source it is not.
  { appVersion: '1.2.0', cohort: 'qa', channel: 'production' },
]

/** What is in force for whom: shares, cohorts, other binaries, what was taken back, and what was forced. */
const BUNDLES: readonly SourceBundle[] = [
  { number: 1, text: 'one' },
  { number: 2, text: 'two', row: { targetAppVersion: '>=1.1.0 <2.0.0' } },
  { number: 3, text: 'taken back', row: { enabled: false } },
  { number: 4, text: 'a share', row: { rolloutCohortCount: 300, targetCohorts: ['qa'] } },
  { number: 5, text: 'for nobody yet', row: { rolloutCohortCount: 0 } },
  { number: 6, text: 'forced', channel: 'beta', row: { shouldForceUpdate: true } },
  { number: 7, text: 'gone', channel: 'gone', row: { enabled: false } },
]

describe.runIf(real)("moving from hot-updater's own server", () => {
  let server: TestServer
  let source: Awaited<ReturnType<typeof startSource>>
  let url = ''
  const bucket = join(folder, 'bucket')

  beforeAll(async () => {
    server = await startTestServer({ env: { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' } })
    url = (await server.listen()).replace(/\/$/, '')
    source = await startSource(bucket)
    for (const bundle of BUNDLES) await source.deploy(bundle)
  })
  afterAll(async () => {
    await source.close()
    await server.close()
  })

  async function hotpatch(...args: string[]) {
    const env = { HOME: folder, HOTPATCH_URL: url, HOTPATCH_TOKEN: server.ownerToken }
    const { code, stdout, stderr } = await runCliProcess([...args, '--yes', '--json'], { cwd: folder, env })
    expect([code, stderr]).toEqual([0, expect.anything()])
    return JSON.parse(stdout) as Record<string, unknown>
  }

  async function ask(base: string, device: Device, runs: string): Promise<string> {
    const { appVersion, channel, cohort } = device
    const url = `${base}/app-version/android/${appVersion}/${channel}/${MIN}/${runs}/${cohort}`
    const answer = await fetch(url, { headers: { 'hot-updater-sdk-version': '0.36.3' } })
    const told = (await answer.json()) as Record<string, unknown>
    return DECIDED.map((name) => `${name} ${String(told[name])}`).join(', ')
  }

  /**
   * What both servers say to each of many devices: to those that run what they were built with, and to those that run
   * what the source has brought them. (What a device runs that it never could have had, the source takes from it.)
   */
  async function compare(slug: string) {
    const here = `${url}/hot-updater/${slug}`
    const answers: { device: Device; runs: string; before: string; now: string }[] = []
    for (const device of DEVICES) {
      const offered = await ask(source.url, device, MIN)
      const own = BUNDLES.filter(({ channel = 'production' }) => channel === device.channel)
      const couldRun = own.filter(({ number, row }) => !row?.rolloutCohortCount || offered.includes(bundleIdOf(number)))
      // Nothing here is for binaries of 2.0.0.
      const isOutside = device.appVersion === '2.0.0'
      const brought = isOutside ? [] : couldRun.filter(({ row }) => row?.rolloutCohortCount !== 0)
      for (const runs of [MIN, ...brought.map(({ number }) => bundleIdOf(number))]) {
        answers.push({ device, runs, before: await ask(source.url, device, runs), now: await ask(here, device, runs) })
      }
    }
    return answers
  }

  test.each([
    ['from the server that runs', () => ['--from', source.url, '--storage', bucket]],
    ['from a copy of its bucket', () => ['--from', bucket]],
  ])('%s: devices are answered as they were', async (from, args) => {
    const slug = from.replaceAll(/[^a-z]+/g, '-')
    expect(await hotpatch('import', 'hot-updater', ...args(), '--app', slug)).toMatchObject({
      already: 0,
      leftOut: [],
      imported: { length: BUNDLES.length },
    })
    const answers = await compare(slug)
    expect(answers.filter(({ before, now }) => before !== now)).toEqual([])
    expect(new Set(answers.map(({ before }) => before)).size).toBeGreaterThan(6)
    expect(answers.length).toBeGreaterThan(60)

    const native = createStandIn({ minBundleId: MIN, cohort: 'qa', appVersion: '1.2.0' })
    const phone = createPhone({ client: real?.client ?? '', native })
    await phone.start()
    const base = `${url}/hot-updater/${slug}`
    expect(await phone.update(source.url)).toBe(`UPDATE ${bundleIdOf(4)}`)
    await phone.start()
    // It changes nothing but the address, and goes on with what it has.
    expect(await phone.update(base)).toBe('nothing')
    expect(phone.bundle()).toBe('a share')
    expect(await phone.update(base, { channel: 'beta' })).toBe(`UPDATE ${bundleIdOf(6)}`)
  })
})
