import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { readInstalledKit, writeInstalledKit } from '@hotpatch/protocol'
import Fastify from 'fastify'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import vectors from '../../../../vectors/kit/checks.json' with { type: 'json' }
import type { KnownOutcome } from '../checking/check-outcome.ts'
import { createNodeDisk } from '../ground/node-disk.ts'
import { runAgent } from './agent.ts'
import { kitStatus } from './fastify.ts'
import { describeKit, type KitStatus, type LastApply } from './kit-status.ts'
import { writeLastApply } from './last-apply.ts'
import { nodeKitStatus } from './node-kit-status.ts'
import { createKitStatusHandler, KIT_STATUS_PATH } from './status-handler.ts'

const INSTALLED = readInstalledKit(vectors.installed)
const AVAILABLE: KnownOutcome = {
  kind: 'update_available',
  installed: INSTALLED.releaseId,
  update: {
    releaseId: '2026.06.02',
    channel: 'stable',
    sequence: 8,
    severity: 'informational',
    notes: undefined,
    expectedDowntimeSeconds: undefined,
    minInstallerVersion: undefined,
    needsNewerInstaller: false,
    components: [{ id: 'gateway', from: '2.0.0', to: '2.1.0' }],
  },
}
const TAKEN_BACK: LastApply = { state: 'rolled_back', releaseId: '2026.06.02', components: ['gateway', 'web'] }
const UP_TO_DATE: KitStatus = {
  release_id: '2026.05.01',
  channel: 'stable',
  components: [
    { id: 'gateway', installed_version: '2.0.0', status: 'up_to_date' },
    { id: 'web', installed_version: '1.4.0', status: 'up_to_date' },
  ],
  update_available: false,
}

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kit-status-'))
  await writeFile(join(root, 'substratum-kit-release.json'), vectors.installed)
})
afterEach(() => rm(root, { recursive: true, force: true }))

describe('what is said of a kit', () => {
  const facts = { installed: INSTALLED, channel: 'stable', known: undefined, lastApply: undefined }
  const statusesOf = (status: KitStatus) => status.components.map(({ id, status }) => `${id} ${status}`)

  test('has its fields, and no other', () => expect(describeKit(facts)).toEqual(UP_TO_DATE))

  test('of what nothing says: nothing', () => {
    expect(describeKit({ ...facts, installed: undefined })).toEqual({
      release_id: null,
      channel: 'stable',
      components: [],
      update_available: false,
    })
  })

  test('an update is of some components', () => {
    const status = describeKit({ ...facts, known: AVAILABLE })
    expect(status.update_available).toBe(true)
    expect(statusesOf(status)).toEqual(['gateway update_available', 'web up_to_date'])
  })

  test('what was taken back says so, until it is installed after all', () => {
    const status = describeKit({ ...facts, known: AVAILABLE, lastApply: TAKEN_BACK })
    expect(statusesOf(status)).toEqual(['gateway rolled_back', 'web rolled_back'])
    const installed = { ...INSTALLED, releaseId: '2026.06.02' }
    expect(statusesOf(describeKit({ ...facts, installed, lastApply: TAKEN_BACK }))).toEqual([
      'gateway up_to_date',
      'web up_to_date',
    ])
  })

  test('a bundle that waits for its own updater is staged', () => {
    const explorer = { version: '3.0.0', stagedAt: '2026-06-01T00:00:00.000Z' }
    const installed = readInstalledKit(
      writeInstalledKit({ releaseId: '1', channel: 'beta', components: { explorer_shell: explorer } }),
    )
    expect(statusesOf(describeKit({ ...facts, installed }))).toEqual(['explorer_shell staged'])
  })
})

async function serve(options: Parameters<typeof createKitStatusHandler>[0]): Promise<string> {
  const handler = createKitStatusHandler(options)
  const server = createServer((request, response) => {
    void handler(request, response, () => response.writeHead(404).end('else'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('a Node handler', () => {
  test('answers at one address, and leaves all others', async () => {
    const url = await serve({
      readStatus: nodeKitStatus({ root, channel: 'stable' }),
      installerLink: 'example://update',
    })
    const answer = await fetch(`${url}${KIT_STATUS_PATH}?a=b`)
    expect(await answer.json()).toEqual(UP_TO_DATE)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      link: '<example://update>; rel="edit"; title="installer"',
    })
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    expect(await (await fetch(`${url}${KIT_STATUS_PATH}/more`)).text()).toBe('else')
    const head = await fetch(`${url}${KIT_STATUS_PATH}`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('%s is refused: nothing is applied here', async (method) => {
    const url = await serve({ readStatus: nodeKitStatus({ root, channel: 'stable' }) })
    const answer = await fetch(`${url}${KIT_STATUS_PATH}`, { method })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  test('however many ask, the disk is read once', async () => {
    let reads = 0
    const read = nodeKitStatus({ root, channel: 'stable' })
    const url = await serve({
      readStatus: () => {
        reads += 1
        return read()
      },
    })
    const asked = await Promise.all(Array.from({ length: 20 }, () => fetch(`${url}${KIT_STATUS_PATH}`)))
    expect(asked.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
    // A slow machine may begin a second second.
    expect(reads).toBeLessThan(5)
  })

  test('what cannot be read is said, and why it cannot only to whoever runs it', async () => {
    await writeFile(join(root, 'substratum-kit-release.json'), '{"schema_version":2}')
    const failures: unknown[] = []
    const url = await serve({ readStatus: nodeKitStatus({ root }), onFailure: (error) => failures.push(error) })
    const answer = await fetch(`${url}${KIT_STATUS_PATH}`)
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { code: 'status-unavailable', message: 'What is installed could not be read.' },
    ])
    expect(failures).toHaveLength(1)
  })

  test.skipIf(process.platform === 'win32')('a pipe in the place of a file is not waited for', async () => {
    const file = join(root, 'substratum-kit-release.json')
    await rm(file)
    execFileSync('mkfifo', [file])
    const readStatus = nodeKitStatus({ root })
    await expect(readStatus()).rejects.toThrow('at most 65536 bytes')
    await rm(file)
    await writeFile(file, ' '.repeat(65_537))
    await expect(readStatus()).rejects.toThrow('at most 65536 bytes')
  })

  test('says what the coordinator has left of its last apply', async () => {
    const disk = createNodeDisk(root)
    await writeLastApply(disk, TAKEN_BACK)
    const read = nodeKitStatus({ root, channel: 'stable' })
    expect((await read()).components.map(({ status }) => status)).toEqual(['rolled_back', 'rolled_back'])
    await writeFile(join(root, '.kit/last-apply.json'), '{"state":"exploded"}')
    expect(await read()).toEqual(UP_TO_DATE)
    await writeLastApply(disk, undefined)
    expect(await readdir(join(root, '.kit'))).toEqual([])
  })

  test.each(['javascript:alert(1)', 'update', 'data:text/html,x', 'a b:c', 'x://>'])(
    'the link %s is refused',
    (link) => {
      expect(() => createKitStatusHandler({ readStatus: nodeKitStatus({ root }), installerLink: link })).toThrow(
        /Expected a link such as/,
      )
    },
  )
})

test('a Fastify plugin, below its prefix', async () => {
  const app = Fastify()
  onTestFinished(() => app.close())
  await app.register(kitStatus, { prefix: '/home', readStatus: nodeKitStatus({ root, channel: 'stable' }) })
  const answer = await app.inject(`/home${KIT_STATUS_PATH}`)
  expect([answer.statusCode, answer.json(), answer.headers['cache-control']]).toEqual([200, UP_TO_DATE, 'no-store'])
  expect((await app.inject({ method: 'HEAD', url: `/home${KIT_STATUS_PATH}` })).statusCode).toBe(200)
  expect((await app.inject({ method: 'POST', url: `/home${KIT_STATUS_PATH}` })).statusCode).toBe(404)
})

describe('the stand-alone agent', () => {
  const COMMAND = fileURLToPath(new URL('../../bin/hotpatch-kit-agent.js', import.meta.url))

  function start(...args: string[]) {
    const env = { PATH: process.env.PATH }
    const child = spawn(process.execPath, ['--no-warnings', COMMAND, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    return child
  }

  /** Of what ends by itself: in this process. */
  async function run(...args: string[]) {
    let [stdout, stderr] = ['', '']
    const code = await runAgent(args, {
      environment: {},
      say: (said) => void (stdout += said),
      complain: (said) => void (stderr += said),
      told: Promise.resolve(),
    })
    return { stdout, stderr, code }
  }

  async function install(changes: object = {}): Promise<void> {
    const places = { gateway: { path: 'gateway' }, web: { path: 'web' } }
    const installation = { publicKeys: [vectors.publicKey], components: places, ...changes }
    await writeFile(join(root, 'kit.json'), JSON.stringify(installation))
  }

  async function addressOf(child: ReturnType<typeof start>): Promise<string> {
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const address = /http:\S+/.exec(line.toString())?.[0] ?? ''
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/api\/v1\/system\/kit-status$/)
    return address
  }

  test('answers this machine alone, and stops when it is told to', async () => {
    await install()
    const child = start('--root', root, '--port', '0', '--installer-link', 'example://update')
    const address = await addressOf(child)
    const answer = await fetch(address)
    expect(await answer.json()).toEqual(UP_TO_DATE)
    expect(answer.headers.get('link')).toMatch(/^<example:\/\/update>/)
    expect((await fetch(new URL('/', address))).status).toBe(404)
    expect((await fetch(address, { method: 'POST', body: '{"apply":true}' })).status).toBe(405)
    child.kill('SIGTERM')
    expect((await once(child, 'close'))[0]).toBe(0)
  })

  test('a page that gives its own name the address of this machine learns nothing', async () => {
    await install()
    const address = new URL(await addressOf(start('--root', root, '--port', '0', '--allow-host', 'home.example.com')))
    const askedBy = async (host: string) => {
      const asked = get(address, { headers: { host }, agent: false })
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      return { status: answer.statusCode, body: await text(answer) }
    }
    for (const host of [
      'evil.example',
      `evil.example:${address.port}`,
      '127.0.0.1.evil.example',
      'localhost.evil.example',
    ]) {
      const { status, body } = await askedBy(host)
      expect(status).toBe(421)
      expect(body).not.toContain(UP_TO_DATE.release_id)
    }
    for (const host of ['localhost', `LOCALHOST:${address.port}`, '127.0.0.1', '[::1]:80', 'home.example.com']) {
      expect((await askedBy(host)).status).toBe(200)
    }
  })

  test('checks by itself, by what kit.json says', async () => {
    const { text: manifest, signature } = vectors.manifests.security
    const requests: string[] = []
    const updates = createServer((request, response) => {
      requests.push(request.url ?? '')
      response.writeHead(200, { 'kit-signature': `ed25519;sig="${signature}"` }).end(manifest)
    })
    updates.listen(0, '127.0.0.1')
    await once(updates, 'listening')
    onTestFinished(() => void updates.close())
    const { port } = updates.address() as AddressInfo
    await install({ source: { url: `http://127.0.0.1:${port}`, appId: vectors.appId }, channel: 'stable' })
    const address = await addressOf(start('--root', root, '--port', '0'))
    const read = async () => (await (await fetch(address)).json()) as KitStatus
    await expect.poll(async () => (await read()).update_available).toBe(true)
    expect((await read()).components[0]?.status).toBe('update_available')
    expect(requests).toEqual(['/personal-kit/stable/latest.json'])
    // The next one that starts knows it, and asks nobody.
    const second = await addressOf(start('--root', root, '--port', '0', '--no-check'))
    expect(((await (await fetch(second)).json()) as KitStatus).update_available).toBe(false)
    const third = await addressOf(start('--root', root, '--port', '0'))
    await expect.poll(async () => ((await (await fetch(third)).json()) as KitStatus).update_available).toBe(true)
    expect(requests).toHaveLength(1)
  })

  test.each([
    ['no root', [], 2, /Expected --root/],
    ['a port that is none', ['--root', '.', '--port', '99999'], 2, /Expected a port from 0 to 65535/],
    ['a link that is none', ['--root', '.', '--installer-link', 'x'], 2, /Expected a link such as/],
    ['an unknown option', ['--rot', '.'], 2, /--rot/],
    ['a folder without a kit', ['--root', 'nowhere'], 1, /Expected a kit.json in .*nowhere/],
  ] as const)('refuses %s', async (_what, args, code, message) => {
    expect(await run(...args)).toEqual({ code, stdout: '', stderr: expect.stringMatching(message) })
  })

  test('says every mistake of a kit.json', async () => {
    await install({ publicKeys: ['x'], chanel: 'beta' })
    const { code, stderr } = await run('--root', root)
    expect(code).toBe(1)
    expect(stderr).toMatch(/chanel/)
    expect(stderr).toMatch(/publicKeys/)
  })

  test('--help says how', async () => {
    expect(await run('--help')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Usage: hotpatch-kit-agent --root/),
    })
  })
})

// Whoever may read everything is kept from nothing.
test.skipIf(process.getuid?.() === 0)(
  'a coordinator that nobody else may read keeps no status from being said',
  async () => {
    await mkdir(join(root, '.kit'), { mode: 0o000 })
    const status = await nodeKitStatus({ root, channel: 'stable' })()
    expect(status).toEqual(UP_TO_DATE)
  },
)
