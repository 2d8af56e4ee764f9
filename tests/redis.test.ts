import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import {
  bundleOf,
  createPostgresDatabase,
  eventually,
  makeTemporaryDirectory,
  publishForm,
  startServerProcess,
  temporaryDirectory,
  type ServerProcess,
} from '@hotpatch/testkit'
import { REDIS_MISSING, REDIS_SERVERS, startRedis, type RedisServer } from '@hotpatch/testkit/redis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { hasPgBouncer, PGBOUNCER_MISSING, startPgBouncer } from './pgbouncer.ts'
import { askAllTheTime, openToEach, type Connection } from './worker-connections.ts'

const run = promisify(execFile)
const postgresUrl = process.env.TEST_POSTGRES_URL
const hasRedis = REDIS_SERVERS.length > 0

const SECRETS = {
  HOTPATCH_DEVICE_ID_SECRET: 'the secret of all servers in this test',
  HOTPATCH_SECRETS_KEY: 'the secrets key of all servers in this test',
}
/** A minute, of one device, and of one address. */
const CHECKS = 60
const SIGN_INS = 60
/** An eighth more, one for each process, and what passes before the others have heard of it; apart each would have 60. */
const MORE_AT_MOST = 30

async function figureOf(server: ServerProcess | undefined, name: string): Promise<number> {
  const text = await (await fetch(`${server?.url}/metrics`)).text()
  return Number(new RegExp(`^hotpatch_redis_${name} (\\S+)$`, 'm').exec(text)?.[1])
}

function untilFigure(server: ServerProcess | undefined, name: string, value: number): Promise<void> {
  return eventually(async () => expect(await figureOf(server, name)).toBe(value), { everyMs: 100 })
}

const timesSaid = (server: ServerProcess | undefined, text: string) => (server?.output().split(text).length ?? 0) - 1
const UNUSABLE = 'Redis cannot be used'
const USABLE = 'Redis can be used again'

if (!hasRedis) test.skip(`servers that share limits: ${REDIS_MISSING}`)

// The second one has two workers: three processes share what one may have.
describe.skipIf(!postgresUrl || !hasRedis)('two servers with one PostgreSQL and one Redis', () => {
  let redis: RedisServer
  let database: Awaited<ReturnType<typeof createPostgresDatabase>>
  const directories: string[] = []
  const servers: ServerProcess[] = []
  let app: { id: string; appKey: string }

  beforeAll(async () => {
    redis = await startRedis()
    database = await createPostgresDatabase(postgresUrl ?? '')
    for (const HOTPATCH_WORKERS of ['1', '2']) {
      const directory = await makeTemporaryDirectory()
      directories.push(directory)
      const env = {
        ...SECRETS,
        HOTPATCH_WORKERS,
        DATABASE_URL: database.url,
        REDIS_URL: redis.url,
        HOTPATCH_METRICS: 'open',
        HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '0',
        HOTPATCH_LOG_LEVEL: 'warn',
      }
      servers.push(await startServerProcess({ directory, env }))
    }
    const response = await fetch(`${servers[0]?.url}/manage/v1/apps`, {
      method: 'POST',
      headers: { authorization: `Bearer ${servers[0]?.ownerToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ slug: 'demo', deviceIds: 'as-given' }),
    })
    app = (await response.json()) as typeof app
    await untilAllKnow()
  })
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    await Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true })))
    await database.drop()
    await redis.stop()
  })

  async function untilAllKnow(): Promise<void> {
    for (const server of servers) await untilFigure(server, 'processes', 2)
  }

  async function processes(): Promise<[Connection, Connection, Connection]> {
    const each = [...(await openToEach(servers[0]?.url ?? '', 1)), ...(await openToEach(servers[1]?.url ?? '', 2))]
    onTestFinished(() => each.forEach((connection) => connection.close()))
    return each as [Connection, Connection, Connection]
  }

  const check = (connection: Connection, deviceId: string) =>
    connection.ask('/update/check', {
      method: 'POST',
      headers: { 'x-app-key': app.appKey },
      body: { appId: app.id, deviceId, version: '0.9.0', platform: 'android' },
    })

  const signIn = (connection: Connection, server: number) =>
    connection.ask('/manage/v1/sign-in', {
      method: 'POST',
      headers: { origin: servers[server]?.url ?? '' },
      body: { email: 'nobody@example.com', password: 'a guess of somebody' },
    })

  /** One after the other, until one is refused. @returns how many were not */
  async function useUp(ask: () => Promise<{ status: number }>, most = 1_000): Promise<number> {
    for (let passed = 0; passed < most; passed++) if ((await ask()).status === 429) return passed
    return most
  }

  /** As above, and others have time to hear of what has passed. */
  async function useUpSlowly(ask: () => Promise<{ status: number }>): Promise<number> {
    let passed = 0
    await eventually(
      async () => {
        const { status } = await ask()
        if (status !== 429) passed++
        expect(status).toBe(429)
      },
      { everyMs: 100 },
    )
    return passed
  }

  let devices = 0
  const askFresh = (connection: Connection) => check(connection, `asks under load ${devices++}`)

  /** Devices ask both servers all the time, and none goes without an answer. */
  async function underLoad(happen: () => Promise<void>): Promise<void> {
    const loads = servers.map(({ url }) => askAllTheTime(url, askFresh, 2))
    onTestFinished(async () => void (await Promise.all(loads.map((load) => load.stop()))))
    const goOn = () =>
      Promise.all(
        loads.map((load) => {
          const before = load.answers()
          return eventually(() => expect(load.answers()).toBeGreaterThan(before + 50))
        }),
      )
    await goOn()
    await happen()
    await goOn()
    for (const load of loads) {
      await load.stop()
      expect(load.failures).toEqual([])
    }
  }

  test('give a device its limit once, whichever processes it asks', async () => {
    const [one, two, three] = await processes()
    expect(await useUp(() => check(one, 'asks everybody'))).toBeGreaterThanOrEqual(CHECKS)
    await redis.command(['FLUSHALL'])
    const more = await useUpSlowly(() => check(two, 'asks everybody'))
    expect(more + (await useUpSlowly(() => check(three, 'asks everybody')))).toBeLessThan(MORE_AT_MOST)
  })

  test('give an address its attempts to sign in once', async () => {
    const [one, two, three] = await processes()
    expect(await useUp(() => signIn(one, 0))).toBeGreaterThanOrEqual(SIGN_INS)
    const more = await useUpSlowly(() => signIn(two, 1))
    expect(more + (await useUpSlowly(() => signIn(three, 1)))).toBeLessThan(MORE_AT_MOST)
  })

  test('answer every check when Redis is killed, limit each by itself, say so once, and share again when it is back', async () => {
    await underLoad(async () => {
      await redis.kill()
      for (const server of servers) await untilFigure(server, 'reachable', 0)
    })
    const [one, two] = await processes()
    expect(await useUp(() => check(one, 'asks without Redis'))).toBeGreaterThanOrEqual(CHECKS)
    expect(await useUp(() => check(two, 'asks without Redis'))).toBeGreaterThanOrEqual(CHECKS)
    // One line for each process.
    expect(servers.map((server) => timesSaid(server, UNUSABLE))).toEqual([1, 2])
    await underLoad(async () => {
      await redis.startAgain()
      for (const server of servers) await untilFigure(server, 'reachable', 1)
    })
    await untilAllKnow()
    expect(await useUp(() => check(one, 'asks with Redis again'))).toBeGreaterThanOrEqual(CHECKS)
    expect(await useUpSlowly(() => check(two, 'asks with Redis again'))).toBeLessThan(MORE_AT_MOST)
    expect(servers.map((server) => timesSaid(server, UNUSABLE))).toEqual([1, 2])
  })

  test('answer every check while Redis hangs, and notice that it does', async () => {
    await underLoad(async () => {
      redis.freeze()
      onTestFinished(redis.thaw)
      for (const server of servers) await untilFigure(server, 'reachable', 0)
    })
    expect(servers[0]?.output()).toContain('It did not answer within 5 s.')
    redis.thaw()
    for (const server of servers) await untilFigure(server, 'reachable', 1)
  })

  test('answer every check while somebody floods their channel, whom nobody believes', async () => {
    await untilAllKnow()
    const channel = /hotpatch:[0-9a-f]{16}/.exec(await redis.command(['PUBSUB', 'CHANNELS']))?.[0] ?? ''
    const passed = JSON.stringify(['devices', `${app.id} is to be locked out`, 1_000])
    const flood = Array.from({ length: 5_000 }, () => ['PUBLISH', channel, passed])
    await underLoad(async () => {
      await redis.command(...flood)
      for (const server of servers) await untilFigure(server, 'reachable', 0)
    })
    const [one] = await processes()
    expect((await check(one, 'is to be locked out')).status).toBe(200)
    expect(servers[0]?.output()).toContain('More came on the channel than this server takes in.')
    for (const server of servers) {
      expect(await figureOf(server, 'refused_messages')).toBeGreaterThan(500)
      await untilFigure(server, 'reachable', 1)
    }
  })
})

if (!hasPgBouncer) test.skip(`changes behind a pool: ${PGBOUNCER_MISSING}`)

describe.skipIf(!postgresUrl || !hasRedis || !hasPgBouncer)('two servers behind a pool that keeps no session', () => {
  test('hear over Redis what the other one changes', async () => {
    const database = await createPostgresDatabase(postgresUrl ?? '')
    onTestFinished(database.drop)
    const [pool, redis] = [await startPgBouncer(database.url), await startRedis()]
    onTestFinished(pool.stop)
    onTestFinished(redis.stop)
    const env = {
      ...SECRETS,
      DATABASE_URL: pool.url,
      REDIS_URL: redis.url,
      HOTPATCH_METRICS: 'open',
      // Whatever is seen was heard of, and not looked for.
      HOTPATCH_REFRESH_SECONDS: '3600',
    }
    const servers: ServerProcess[] = []
    for (const directory of [await temporaryDirectory(), await temporaryDirectory()]) {
      const server = await startServerProcess({ directory, env })
      onTestFinished(async () => void (await server.stop('SIGKILL')))
      servers.push(server)
    }
    const [one, two] = servers as [ServerProcess, ServerProcess]
    const headers = { authorization: `Bearer ${one.ownerToken}` }
    const manage = (path: string, init: RequestInit) =>
      fetch(`${one.url}/manage/v1${path}`, { method: 'POST', ...init })
    for (const server of servers) await untilFigure(server, 'processes', 1)
    const created = await manage('/apps', {
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ slug: 'demo' }),
    })
    const { appKey } = (await created.json()) as { appKey: string }
    const form = publishForm({ platform: 'android', version: '1.0.0' }, await bundleOf('one'))
    expect((await manage('/apps/demo/releases', { headers, body: form })).status).toBe(201)
    const check = () =>
      fetch(`${two.url}/update/check?deviceId=phone&platform=android&version=0`, { headers: { 'x-app-key': appKey } })
    await eventually(async () => expect(await (await check()).json()).toMatchObject({ version: '1.0.0' }))
  })
})

describe.skipIf(!hasRedis)('a server', () => {
  async function start(env: Record<string, string>): Promise<ServerProcess> {
    const directory = await temporaryDirectory()
    const server = await startServerProcess({ directory, env: { HOTPATCH_METRICS: 'open', ...env } })
    onTestFinished(async () => void (await server.stop('SIGKILL')))
    return server
  }

  async function startOwnRedis(settings: string[]): Promise<RedisServer> {
    const redis = await startRedis(REDIS_SERVERS[0], settings)
    onTestFinished(redis.stop)
    return redis
  }

  test('loads the client of Redis where there is one, and nowhere else', async () => {
    const hook = join(await temporaryDirectory(), 'watch.mjs')
    await writeFile(
      hook,
      `import { registerHooks } from 'node:module'
      registerHooks({ resolve(specifier, context, next) {
        if (specifier.startsWith('@redis/')) process.stderr.write('looks for ' + specifier + '\\n')
        return next(specifier, context)
      } })`,
    )
    const watched = { NODE_OPTIONS: `--import=${pathToFileURL(hook).href}` }
    const without = await start(watched)
    expect(await figureOf(without, 'reachable')).toBeNaN()
    expect(without.output()).not.toContain('looks for @redis/')
    const redis = await startOwnRedis([])
    const withIt = await start({ ...watched, REDIS_URL: redis.url })
    expect(withIt.output()).toContain('looks for @redis/client')
    await untilFigure(withIt, 'reachable', 1)
    expect(await withIt.stop()).toBe(0)
  })

  test('serves when the password of Redis is wrong, says so, and tells no password', async () => {
    const redis = await startOwnRedis(['--requirepass', 'the-right-one'])
    const server = await start({ REDIS_URL: `redis://:the-wrong-one@127.0.0.1:${redis.port}` })
    await eventually(() => expect(timesSaid(server, UNUSABLE)).toBe(1))
    expect(server.output()).toContain('WRONGPASS')
    expect(server.output()).not.toMatch(/the-(right|wrong)-one/)
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    expect(await figureOf(server, 'reachable')).toBe(0)
  })

  test('speaks TLS with a Redis that it trusts, and with no other', async () => {
    const folder = await temporaryDirectory()
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-days', '2']
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, '-keyout', key, '-out', certificate]
    await run('openssl', made)
    const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate]
    const redis = await startOwnRedis(['--tls-port', '%', ...files, '--tls-auth-clients', 'no'])
    const REDIS_URL = `rediss://127.0.0.1:${redis.port}`
    const trusting = await start({ REDIS_URL, NODE_EXTRA_CA_CERTS: certificate })
    await untilFigure(trusting, 'reachable', 1)
    const other = await start({ REDIS_URL })
    await eventually(() => expect(other.output()).toMatch(/Redis cannot be used/))
    expect(other.output()).toMatch(/self-signed/)
    const inClear = await start({ REDIS_URL: `redis://127.0.0.1:${redis.port}` })
    await eventually(() => expect(timesSaid(inClear, UNUSABLE)).toBe(1))
    expect(timesSaid(inClear, USABLE)).toBe(0)
  })
})
