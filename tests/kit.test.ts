import { once } from 'node:events'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import {
  readKitContent,
  writeInstalledKit,
  writeKitContent,
  type KitComponent,
  type KitContent,
  type KitProbe,
} from '@hotpatch/protocol'
import {
  eventually,
  kitContentOf,
  newSigningKey,
  runCliProcess,
  SERVER_DATABASES,
  signKit,
  startServerProcess,
  temporaryDirectory,
  uploadKit,
  zipOf,
  type ServerProcess,
  type TestServer,
} from '@hotpatch/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'

/** What looks after services where this kit is installed: of the operator, and of no release. */
const SERVICES = `
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
const [action, name, port] = process.argv.slice(2)
const file = name + '.pid'
const pidOf = () => { try { return Number(readFileSync(file, 'utf8')) } catch { return 0 } }
const runs = (pid) => { try { return pid > 0 && (process.kill(pid, 0), true) } catch { return false } }
if (action === 'is-running') process.exit(runs(pidOf()) ? 0 : 1)
if (action === 'stop' || action === 'restart') {
  const pid = pidOf()
  if (runs(pid)) process.kill(pid, 'SIGKILL')
  for (let looks = 0; runs(pid) && looks < 500; looks += 1) await new Promise((resolve) => setTimeout(resolve, 10))
}
if (action === 'start' || action === 'restart') {
  const child = spawn(process.execPath, ['bin/' + name + '.mjs', port], { detached: true, stdio: 'ignore' })
  writeFileSync(file, String(child.pid))
  child.unref()
}
`

/** A service that answers its version, or is broken. */
const serviceOf = (version: string, isBroken = false) => `
import { createServer } from 'node:http'
createServer((request, response) => {
  response.writeHead(${isBroken ? 500 : 200}).end('${version}')
}).listen(Number(process.argv[2]), '127.0.0.1')
`

const HEALTHY: KitProbe = { type: 'http', path: '/healthz', attempts: 60, intervalMs: 250, timeoutMs: 2_000 }
/** Enough for a service to start; it is answered at once by one that is broken. */
const PATIENT: KitProbe = { ...HEALTHY, attempts: 20 }

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function requestsTo({ url, ownerToken }: ServerProcess): Pick<TestServer, 'request'> {
  return {
    async request(method, path, { body, form, headers = {} } = {}) {
      const isBytes = body instanceof Uint8Array
      const sent = form ?? (body === undefined ? undefined : isBytes ? Buffer.from(body) : JSON.stringify(body))
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${ownerToken}`,
          ...(body !== undefined && !isBytes && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(sent !== undefined && { body: sent }),
      })
      const text = await answer.text()
      return { status: answer.status, headers: {}, body: text === '' ? undefined : (JSON.parse(text) as never) }
    },
  }
}

type Server = ReturnType<typeof requestsTo>
const key = newSigningKey()

async function makeApp(server: Server) {
  const { status, body } = await server.request('POST', '/manage/v1/apps', {
    body: { slug: 'home', platforms: ['linux', 'macos', 'windows'] },
  })
  expect(status).toBe(201)
  await server.request('POST', '/manage/v1/apps/home/channels', { body: { name: 'stable' } })
  return body as { id: string; slug: string; appKey: string }
}

/** Two services and a web folder, in their order. */
async function publish(
  server: Server,
  app: { id: string; slug: string },
  { releaseId, sequence, isBroken = false }: { releaseId: string; sequence: number; isBroken?: boolean },
) {
  const web = await zipOf({ 'index.html': `the web, ${releaseId}` })
  const components = {
    web: { bytes: web, kind: 'files' as const },
    edge: { bytes: serviceOf(releaseId), probe: HEALTHY },
    gateway: { bytes: serviceOf(releaseId, isBroken), probe: isBroken ? PATIENT : HEALTHY },
  }
  const content = asZip('web', components, releaseId)
  const named = await uploadKit(server, app, components, content)
  const { text: _, ...signatures } = signKit(key, content, { appId: app.id, sequence })
  const metadata = { platform: 'any', version: releaseId, channel: 'stable', content: named }
  const published = await server.request('POST', `/manage/v1/apps/${app.slug}/releases`, {
    body: { metadata, ...signatures },
  })
  expect(published).toMatchObject({ status: 201 })
}

function asZip(id: string, components: Parameters<typeof kitContentOf>[0], releaseId: string): KitContent {
  const raw = kitContentOf({ ...components, [id]: { ...components[id], kind: 'binary' } }, { releaseId })
  const zipped = raw.components.map((component): KitComponent =>
    component.id === id
      ? { ...component, kind: 'files', files: component.files.map((file) => ({ ...file, format: 'zip' })) }
      : component,
  )
  return readKitContent(writeKitContent({ ...raw, components: zipped }))
}

/** The first release, as an installer left it, with everything running. */
async function install(server: ServerProcess, app: { id: string; appKey: string }) {
  const root = await temporaryDirectory()
  const [edgePort, gatewayPort] = [await freePort(), await freePort()]
  const hook = (...parameters: string[]) => ({
    run: [process.execPath, 'services.mjs', ...parameters],
    timeoutMs: 30_000,
  })
  const service = (name: string, port: number) => ({
    path: `bin/${name}.mjs`,
    service: { restart: hook('restart', name, String(port)), isRunning: hook('is-running', name) },
    probe: { url: `http://127.0.0.1:${port}` },
  })
  const document = {
    source: { url: server.url, appId: app.id, appKey: app.appKey },
    publicKeys: [key.publicKey],
    components: { web: { path: 'web' }, edge: service('edge', edgePort), gateway: service('gateway', gatewayPort) },
  }
  await mkdir(join(root, 'bin'))
  await mkdir(join(root, 'web'))
  await writeFile(join(root, 'web', 'index.html'), 'the web, 1')
  await writeFile(join(root, 'services.mjs'), SERVICES)
  for (const name of ['edge', 'gateway']) {
    await writeFile(join(root, 'bin', `${name}.mjs`), serviceOf('1'))
    await chmod(join(root, 'bin', `${name}.mjs`), 0o755)
  }
  await writeFile(join(root, 'kit.json'), JSON.stringify(document, null, 2))
  const installed = { web: { version: '1' }, edge: { version: '1' }, gateway: { version: '1' } }
  await writeFile(
    join(root, 'substratum-kit-release.json'),
    writeInstalledKit({ releaseId: '1', channel: 'stable', components: installed }),
  )
  const cli = (...args: string[]) => runCliProcess(['kit', ...args, '--root', root], { cwd: root, env: { HOME: root } })
  const control = (...args: string[]) =>
    runCliProcess(args, { cwd: root, env: {}, program: join(root, 'services.mjs') })
  onTestFinished(async () => {
    for (const name of ['edge', 'gateway']) await control('stop', name)
  })
  await control('start', 'edge', String(edgePort))
  await control('start', 'gateway', String(gatewayPort))
  const answers = (port: number) => fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text())
  const running = async () => ({
    web: await readFile(join(root, 'web', 'index.html'), 'utf8'),
    edge: await answers(edgePort),
    gateway: await answers(gatewayPort),
  })
  await eventually(running)
  return { root, cli, running }
}

const runningOf = (version: string) => ({ web: `the web, ${version}`, edge: version, gateway: version })

describe.each(SERVER_DATABASES)('a kit on %s', (_name, openDatabase, isHere) => {
  test.skipIf(!isHere)(
    'is checked, shown, applied, probed, committed and reported; a bad one goes back as a whole',
    async () => {
      const database = await openDatabase()
      onTestFinished(() => database.drop())
      const process = await startServerProcess({ directory: await temporaryDirectory(), env: database.env })
      onTestFinished(() => process.stop().then(() => undefined))
      const server = requestsTo(process)
      const app = await makeApp(server)
      const { root, cli, running } = await install(process, app)
      expect(await running()).toEqual(runningOf('1'))

      await publish(server, app, { releaseId: '2', sequence: 1 })
      const checked = await cli('check', '--json')
      expect(checked).toMatchObject({ code: 3 })
      expect(JSON.parse(checked.stdout)).toMatchObject({ outcome: 'update_available', releaseId: '2' })
      const shown = await cli('plan')
      expect(shown.stdout).toContain('gateway (binary): 1 → 2')
      const unasked = await cli('apply')
      expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') })
      expect(await running()).toEqual(runningOf('1'))

      const applied = await cli('apply', '--yes', '--json')
      expect(applied, applied.stderr).toMatchObject({ code: 0 })
      expect(JSON.parse(applied.stdout)).toMatchObject({ kind: 'committed', releaseId: '2', failed: [] })
      expect(await running()).toEqual(runningOf('2'))
      const installed = JSON.parse(await readFile(join(root, 'substratum-kit-release.json'), 'utf8')) as object
      expect(installed).toMatchObject({ release_id: '2', components: { gateway: { version: '2' } } })
      expect(await cli('check')).toMatchObject({ code: 0 })

      const { installId } = JSON.parse(await readFile(join(root, '.kit', 'install.json'), 'utf8')) as {
        installId: string
      }
      const told = (kind: string, component: string | null, version: string) =>
        `${component ?? 'kit'} ${version} ${kind}`
      const timeline = async () => {
        const { body } = await server.request('GET', `/manage/v1/apps/home/devices/${installId}/timeline?limit=200`)
        const { items } = body as { items: { kind: string; version: string | null; component?: string }[] }
        return items.map(({ kind, version, component }) => told(kind, component ?? null, version ?? ''))
      }
      await eventually(async () =>
        expect(await timeline()).toEqual(
          expect.arrayContaining([
            told('planned', 'web', '2'),
            told('downloaded', null, '2'),
            told('probed', 'gateway', '2'),
            told('confirmed', 'gateway', '2'),
            told('confirmed', null, '2'),
          ]),
        ),
      )

      await publish(server, app, { releaseId: '3', sequence: 2, isBroken: true })
      const broken = await cli('apply', '--yes', '--json')
      expect(broken, broken.stderr).toMatchObject({ code: 5 })
      expect(JSON.parse(broken.stdout)).toMatchObject({
        kind: 'reverted',
        releaseId: '3',
        why: { code: 'probe-failed', component: 'gateway' },
      })
      expect(await running()).toEqual(runningOf('2'))
      await eventually(async () =>
        expect(await timeline()).toEqual(
          expect.arrayContaining([
            told('failed', 'gateway', '3'),
            told('rolled-back', 'edge', '3'),
            told('rolled-back', null, '3'),
          ]),
        ),
      )
      // By the server's decision, and by this machine's own memory.
      const again = await cli('check', '--json')
      expect(again).toMatchObject({ code: 0 })
      expect(JSON.parse(again.stdout)).toMatchObject({ outcome: 'up_to_date' })
      const status = JSON.parse((await cli('status', '--json')).stdout) as object
      expect(status).toMatchObject({
        releaseId: '2',
        openApply: null,
        failed: [{ releaseId: '3', code: 'probe-failed' }],
      })
      expect(await cli('doctor')).toMatchObject({ code: 0 })
    },
  )
})
