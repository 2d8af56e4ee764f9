import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { readFile, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import {
  bundleOf,
  eventually,
  makeTemporaryDirectory,
  publishForm,
  SERVER_DATABASES,
  startServerProcess,
  type ServerProcess,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { askAllTheTime, openConnection, openToEach, type Connection } from './worker-connections.ts'

const WORKERS = 2
const PASSWORD = 'correct horse battery staple'

describe.each(SERVER_DATABASES.filter(([, , isHere]) => isHere))('a server of two workers on %s', (_name, prepare) => {
  let database: { env: Record<string, string>; drop: () => Promise<void> }
  let directory: string
  let server: ServerProcess
  let receiver: Server
  const received: string[] = []
  let app: { id: string; slug: string; appKey: string }

  beforeAll(async () => {
    database = await prepare()
    directory = await makeTemporaryDirectory()
    server = await startServerProcess({
      directory,
      env: {
        ...database.env,
        HOTPATCH_WORKERS: String(WORKERS),
        HOTPATCH_METRICS: 'open',
        HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '0',
        // Whatever is seen was heard of, and not looked for.
        HOTPATCH_REFRESH_SECONDS: '3600',
        HOTPATCH_WEBHOOK_ALLOW_PRIVATE: '127.0.0.0/8',
        HOTPATCH_LOG_LEVEL: 'info',
      },
    })
    await untilServing(WORKERS)
    app = await manage('POST', '/apps', { slug: 'demo', deviceIds: 'as-given' })
    receiver = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        received.push(JSON.parse(Buffer.concat(chunks).toString()).data.release.version)
        response.end()
      })
    }).listen(0, '127.0.0.1')
    await once(receiver, 'listening')
  })
  afterAll(async () => {
    await server.stop()
    receiver.close()
    await rm(directory, { recursive: true, force: true })
    await database.drop()
  })

  // There is a line for each request, and the load has many: they are searched, not read.
  const count = (text: string) => server.output().split(`"msg":"${text}"`).length - 1

  function untilSaid(text: string, times: number): Promise<void> {
    return eventually(() => expect(count(text)).toBe(times), { everyMs: 500 })
  }

  const untilServing = (total: number) => untilSaid('a worker serves', total)

  // oxlint-disable-next-line typescript/no-explicit-any -- answers of every shape are looked into
  async function manage(method: string, path: string, body?: unknown): Promise<any> {
    const isForm = body instanceof FormData
    const response = await fetch(`${server.url}/manage/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${server.ownerToken}`,
        ...(body !== undefined && !isForm && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
    })
    const answer = await response.json()
    if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(answer)}`)
    return answer
  }

  const publish = async (version: string) =>
    manage('POST', `/apps/demo/releases`, publishForm({ platform: 'android', version }, await bundleOf('one')))

  const check = (connection: Connection, deviceId: string) =>
    connection.ask('/update/check', {
      method: 'POST',
      headers: { 'x-app-key': app.appKey },
      body: { appId: app.id, deviceId, version: '0.9.0', platform: 'android' },
    })

  async function connections(): Promise<Connection[]> {
    const each = await openToEach(server.url, WORKERS)
    onTestFinished(() => each.forEach((connection) => connection.close()))
    return each
  }

  test('all workers answer by a publish as soon as it is answered, whichever took it', async () => {
    const each = await connections()
    for (const version of ['1.0.0', '1.0.1', '1.0.2', '1.0.3']) {
      await publish(version)
      const answers = await Promise.all(each.map((connection) => check(connection, 'asks once in a while')))
      expect(answers.map(({ body }) => body.version)).toEqual([version, version])
    }
  })

  test('a webhook is sent once for each publish, whichever worker took it', async () => {
    const { port } = receiver.address() as AddressInfo
    const url = `http://127.0.0.1:${port}/`
    const webhook = await manage('POST', '/webhooks', { url, app: 'demo', types: ['release.published'] })
    const versions = ['1.1.0', '1.1.1', '1.1.2', '1.1.3', '1.1.4']
    for (const version of versions) await publish(version)
    await eventually(() => expect(received.toSorted()).toEqual(versions))
    const { items } = await manage('GET', `/webhooks/${webhook.id}/deliveries`)
    expect(items.map(({ attempts }: { attempts: number }) => attempts)).toEqual([1, 1, 1, 1, 1])
    expect(received).toHaveLength(versions.length)
  })

  test('a live stream of any worker has what happens at any', async () => {
    const each = await connections()
    const told = each.map(() => '')
    for (const [index, connection] of each.entries()) {
      const headers = { accept: 'text/event-stream', authorization: `Bearer ${server.ownerToken}` }
      connection.follow('/manage/v1/stream', headers, (text) => (told[index] += text))
    }
    await eventually(() => expect(told.filter((text) => text.includes('the live stream'))).toHaveLength(WORKERS))
    await publish('2.0.0')
    await eventually(() => expect(told.filter((text) => text.includes('2.0.0'))).toHaveLength(WORKERS))
  })

  test('who signs in at one worker is signed in at all', async () => {
    const each = await connections()
    const [first, second] = each as [Connection, Connection]
    const secret = await firstOwnerSecret()
    const origin = server.url
    const made = await first.ask('/manage/v1/one-time-links/use', {
      method: 'POST',
      headers: { origin },
      body: { secret, email: 'olga@example.com', name: 'Olga', password: PASSWORD },
    })
    expect(made.status).toBe(200)
    const signedIn = await second.ask('/manage/v1/sign-in', {
      method: 'POST',
      headers: { origin },
      body: { email: 'olga@example.com', password: PASSWORD },
    })
    expect(signedIn.status).toBe(200)
    const cookie = [signedIn.headers['set-cookie'] ?? []]
      .flat()
      .map((each) => each.split(';')[0])
      .join('; ')
    for (const connection of each) {
      const { body } = await connection.ask('/manage/v1/whoami', { headers: { cookie, origin } })
      expect(body).toMatchObject({ kind: 'person', name: 'Olga' })
    }
  })

  async function firstOwnerSecret(): Promise<string> {
    const link = await readFile(`${directory}/first-owner-link`, 'utf8')
    return link.trim().split('#')[1] ?? ''
  }

  describe('a limit of 60 requests a minute for each device', () => {
    test('is given whole to one that asks on one connection', async () => {
      const [connection] = (await connections()) as [Connection]
      const statuses = []
      for (let asked = 0; asked < 60; asked++) statuses.push((await check(connection, 'of one connection')).status)
      expect(new Set(statuses)).toEqual(new Set([200]))
    })

    test('is not given twice to one that asks at two workers', async () => {
      const each = await connections()
      const startedAt = performance.now()
      let passed = 0
      for (let asked = 0; asked < 150; asked++) {
        const { status } = await check(each[asked % 2] as Connection, 'of two connections')
        if (status === 200) passed++
      }
      const drained = Math.ceil((performance.now() - startedAt) / 1_000)
      expect(passed).toBeGreaterThanOrEqual(60)
      // An eighth more, and what passes before the other one has heard of it.
      expect(passed - drained).toBeLessThan(90)
    })
  })

  async function countChecks(connection: Connection): Promise<number> {
    const { status, body } = await connection.ask('/metrics')
    expect(status).toBe(200)
    const counts = [...String(body).matchAll(/^hotpatch_checks_total\{.*\} (\d+)$/gm)]
    return counts.reduce((sum, [, each]) => sum + Number(each), 0)
  }

  test('the figures of any worker are those of all', async () => {
    const each = await connections()
    const before = await countChecks(each[0] as Connection)
    for (let asked = 0; asked < 20; asked++) await check(each[asked % 2] as Connection, `counted ${asked}`)
    for (const connection of each) expect(await countChecks(connection)).toBe(before + 20)
    const { body } = await (each[0] as Connection).ask('/metrics')
    expect(body).toMatch(/^hotpatch_serving_processes 2$/m)
  })

  test('what any worker has heard of devices is there when it is asked for', async () => {
    const each = await connections()
    for (const [index, connection] of each.entries()) await check(connection, `heard of by worker ${index}`)
    const { items } = await manage('GET', '/apps/demo/devices?limit=200')
    const ids = items.map(({ id }: { id: string }) => id)
    expect(ids).toEqual(expect.arrayContaining(['heard of by worker 0', 'heard of by worker 1']))
  })

  let devices = 0
  const askFresh = (connection: Connection) => check(connection, `asks all the time ${devices++}`)

  test('of a worker that is killed nobody notices but on its own connections, and another one takes its place', async () => {
    const load = askAllTheTime(server.url, askFresh)
    onTestFinished(load.stop)
    await eventually(() => expect(load.answers()).toBeGreaterThan(100))
    const [one] = (await connections()) as [Connection]
    const before = await countChecks(one)
    const serving = count('a worker serves')
    const elected = /"workerPid":(\d+),"msg":"a worker serves"/.exec(server.output())?.[1]
    process.kill(Number(elected), 'SIGKILL')
    await untilServing(serving + 1)
    const answersThen = load.answers()
    await eventually(() => expect(load.answers()).toBeGreaterThan(answersThen + 100))
    load.takeWorkers()
    await eventually(() => expect(load.takeWorkers().length).toBeGreaterThan(0))
    await load.stop()
    const hit = new Set(load.failures.map(({ worker }) => worker).filter((worker) => worker !== undefined))
    expect(hit.size).toBeLessThanOrEqual(1)
    for (const { why } of load.failures) expect(why).toMatch(/ECONNRESET|socket hang up|EPIPE/)
    // As many at most as it had connections.
    expect(load.failures.length).toBeLessThanOrEqual(4)
    const after = openConnection(server.url)
    onTestFinished(after.close)
    expect(await countChecks(after)).toBeGreaterThan(before)
    // The other one does what is done once, now.
    await publish('3.0.0')
    await eventually(() => expect(received).toContain('3.0.0'))
    expect(received.filter((version) => version === '3.0.0')).toHaveLength(1)
  })

  test('a restart by SIGHUP fails no request', async () => {
    const load = askAllTheTime(server.url, askFresh)
    onTestFinished(load.stop)
    await eventually(() => expect(load.answers()).toBeGreaterThan(100))
    const earlier = new Set(load.takeWorkers())
    const one = openConnection(server.url)
    const before = await countChecks(one)
    one.close()
    process.kill(server.pid, 'SIGHUP')
    await untilSaid('the workers are restarted', 1)
    load.takeWorkers()
    const answersThen = load.answers()
    await eventually(() => expect(load.answers()).toBeGreaterThan(answersThen + 100))
    await load.stop()
    expect(load.failures).toEqual([])
    expect(load.takeWorkers().filter((worker) => earlier.has(worker))).toEqual([])
    const after = openConnection(server.url)
    onTestFinished(after.close)
    expect(await countChecks(after)).toBeGreaterThan(before)
    await publish('4.0.0')
    await eventually(() => expect(received).toContain('4.0.0'))
    expect(received.filter((version) => version === '4.0.0')).toHaveLength(1)
  })

  test('SIGTERM ends all of them, and what devices told is written', async () => {
    const each = await connections()
    for (const [index, connection] of each.entries()) await check(connection, `told last by worker ${index}`)
    expect(await server.stop()).toBe(0)
    const again = await startServerProcess({ directory, env: database.env })
    onTestFinished(() => again.stop().then(() => undefined))
    server.url = again.url
    const { items } = await manage('GET', '/apps/demo/devices?limit=200')
    const ids = items.map(({ id }: { id: string }) => id)
    expect(ids).toEqual(expect.arrayContaining(['told last by worker 0', 'told last by worker 1']))
  })
})

describe('a start that comes to nothing', () => {
  test('is told once, and is the end', async () => {
    const directory = await makeTemporaryDirectory()
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const env = { HOTPATCH_WORKERS: '3', HOTPATCH_REFRESH_SECONDS: 'often' }
    const failure = await startServerProcess({ directory, env }).then(String, String)
    expect(failure.match(/HotPatch did not start/g)).toHaveLength(1)
    expect(failure).toContain('HOTPATCH_REFRESH_SECONDS')
  })
})
