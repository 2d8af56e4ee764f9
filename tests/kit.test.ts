import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { writeInstalledKit } from '@hotpatch/protocol'
import {
  eventually,
  runCliProcess,
  STORY_DATABASES,
  startServerProcess,
  temporaryDirectory,
  type ServerProcess,
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

const AGENT = fileURLToPath(new URL('../packages/kit/bin/hotpatch-kit-agent.js', import.meta.url))

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function request<Result>(
  { url, ownerToken }: ServerProcess,
  method: string,
  path: string,
  body?: object,
): Promise<Result> {
  const answer = await fetch(`${url}/manage/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${ownerToken}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  expect([method, path, answer.status]).toEqual([method, path, method === 'POST' ? 201 : 200])
  return (await answer.json()) as Result
}

async function makeApp(server: ServerProcess) {
  const asked = { slug: 'home', platforms: ['linux', 'macos', 'windows'] }
  const app = await request<{ id: string; appKey: string }>(server, 'POST', '/apps', asked)
  await request(server, 'POST', '/apps/home/channels', { name: 'stable' })
  return app
}

type Publish = (release: { releaseId: string; isBroken?: boolean }) => Promise<void>

/** Whoever publishes, by the tool, with a key of its own: two services and a web folder. */
async function openPublisher(server: ServerProcess): Promise<{ publicKey: string; publish: Publish }> {
  const home = await temporaryDirectory()
  const work = join(home, 'work')
  const env = { HOME: home, HOTPATCH_URL: server.url, HOTPATCH_TOKEN: server.ownerToken }
  await mkdir(join(work, 'web'), { recursive: true })
  await writeFile(join(work, 'hotpatch.json'), JSON.stringify({ app: 'home' }))
  async function hotpatch<Result>(...args: string[]): Promise<Result> {
    const { code, stdout, stderr } = await runCliProcess([...args, '--json'], { cwd: work, env })
    expect([args, code, stderr]).toEqual([args, 0, expect.anything()])
    return JSON.parse(stdout) as Result
  }
  const { publicKey } = await hotpatch<{ publicKey: string }>('keys', 'generate')
  const publish: Publish = async ({ releaseId, isBroken = false }) => {
    const probe = { type: 'http', path: '/healthz', attempts: isBroken ? 20 : 60, interval_ms: 250, timeout_ms: 2_000 }
    const service = (from: string) => ({ kind: 'binary', version: releaseId, from, probe })
    const description = {
      release_id: releaseId,
      channel: 'stable',
      components: {
        web: { kind: 'files', version: releaseId, from: 'web' },
        edge: service('edge.mjs'),
        gateway: service('gateway.mjs'),
      },
    }
    await writeFile(join(work, 'kit.release.json'), JSON.stringify(description))
    await writeFile(join(work, 'web', 'index.html'), `the web, ${releaseId}`)
    await writeFile(join(work, 'edge.mjs'), serviceOf(releaseId))
    await writeFile(join(work, 'gateway.mjs'), serviceOf(releaseId, isBroken))
    expect(await hotpatch('kit', 'publish', '--yes')).toMatchObject({ version: releaseId, channel: 'stable' })
  }
  return { publicKey, publish }
}

/** The agent beside a gateway, and what it answers. */
async function startAgent(root: string): Promise<() => Promise<unknown>> {
  const child = spawn(process.execPath, ['--no-warnings', AGENT, '--root', root, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await once(child, 'close')
  })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const address = /http:\S+/.exec(line)?.[0] ?? ''
  return async () => (await fetch(address)).json()
}

/** The first release, as an installer left it, with everything running. */
async function install(server: ServerProcess, app: { id: string; appKey: string }, publicKey: string) {
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
    publicKeys: [publicKey],
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

interface Timeline {
  items: { kind: string; version: string | null; component?: string }[]
}

const runningOf = (version: string) => ({ web: `the web, ${version}`, edge: version, gateway: version })

describe.each(STORY_DATABASES)('a kit on %s', (_name, openDatabase) => {
  test('is checked, shown, applied, probed, committed and reported; a bad one goes back as a whole', async () => {
    const database = await openDatabase()
    onTestFinished(() => database.drop())
    const server = await startServerProcess({ directory: await temporaryDirectory(), env: database.env })
    onTestFinished(() => server.stop().then(() => undefined))
    const app = await makeApp(server)
    const { publicKey, publish } = await openPublisher(server)
    const { root, cli, running } = await install(server, app, publicKey)
    expect(await running()).toEqual(runningOf('1'))
    const shownStatus = async () => JSON.parse((await cli('status', '--json')).stdout) as object
    expect(await shownStatus()).toMatchObject({ releaseId: '1', openApply: null, failed: [], before: null })

    await publish({ releaseId: '2' })
    const kitStatus = await startAgent(root)
    await eventually(async () =>
      expect(await kitStatus()).toMatchObject({
        release_id: '1',
        update_available: true,
        components: [
          { id: 'edge', installed_version: '1', status: 'update_available' },
          { id: 'gateway', installed_version: '1', status: 'update_available' },
          { id: 'web', installed_version: '1', status: 'update_available' },
        ],
      }),
    )
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
    expect(await shownStatus()).toMatchObject({ releaseId: '2', openApply: null, failed: [], trust: { sequence: 1 } })
    expect(await kitStatus()).toMatchObject({
      release_id: '2',
      update_available: false,
      components: [
        { id: 'edge', installed_version: '2', status: 'up_to_date' },
        { id: 'gateway', installed_version: '2', status: 'up_to_date' },
        { id: 'web', installed_version: '2', status: 'up_to_date' },
      ],
    })

    const { installId } = JSON.parse(await readFile(join(root, '.kit', 'install.json'), 'utf8')) as {
      installId: string
    }
    const told = (kind: string, component: string | null, version: string) => `${component ?? 'kit'} ${version} ${kind}`
    const timeline = async () => {
      const { items } = await request<Timeline>(server, 'GET', `/apps/home/devices/${installId}/timeline?limit=200`)
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

    await publish({ releaseId: '3', isBroken: true })
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
    expect(await kitStatus()).toMatchObject({
      release_id: '2',
      components: [
        { id: 'edge', status: 'up_to_date' },
        { id: 'gateway', installed_version: '2', status: 'rolled_back' },
        { id: 'web', status: 'up_to_date' },
      ],
    })
    expect(await shownStatus()).toMatchObject({
      releaseId: '2',
      openApply: null,
      failed: [{ releaseId: '3', code: 'probe-failed' }],
    })
    expect(await cli('doctor')).toMatchObject({ code: 0 })
  })
})
