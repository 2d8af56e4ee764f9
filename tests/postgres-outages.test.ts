import { openDatabase } from '@hotpatch/server/testing'
import { bundleOf, eventually, problemOf, startTestServer } from '@hotpatch/testkit'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openPostgresMachine, type PostgresCluster } from './postgres-clusters.ts'
import { openTcpProxy } from './tcp-proxy.ts'

const PROGRAMS = process.env.POSTGRES_PROGRAMS
const WAITING = "select * from pg_stat_activity where wait_event_type = 'Lock'"
const TOKENS = 'the secret of the tokens of both servers'

describe.skipIf(!PROGRAMS)('a PostgreSQL', () => {
  let machine: Awaited<ReturnType<typeof openPostgresMachine>>
  let cluster: PostgresCluster

  beforeAll(async () => {
    machine = await openPostgresMachine(PROGRAMS ?? '')
    cluster = await machine.newCluster('only')
    await cluster.create()
    await cluster.start()
  })
  afterAll(() => machine.close())

  async function aDatabase(name: string) {
    await cluster.ask(`create role ${name} login password 'of-this-role'`)
    await cluster.ask(`create database ${name} owner ${name}`)
    return (address = cluster.address) => `postgres://${name}:of-this-role@${address}/${name}`
  }

  async function aServer(url: string, env: Record<string, string> = {}) {
    const shared = { DATABASE_URL: url, JWT_SECRET: TOKENS, HOTPATCH_REFRESH_SECONDS: '3600' }
    // One device asks until it is answered otherwise.
    const often = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '60000', HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '600000' }
    const server = await startTestServer({ env: { ...shared, ...often, ...env } })
    onTestFinished(server.close)
    return server
  }
  type Server = Awaited<ReturnType<typeof aServer>>

  const statusOf = async (server: Server, path: string) => (await server.request('GET', path, { token: null })).status
  const ready = (server: Server) => eventually(async () => expect(await statusOf(server, '/readyz')).toBe(200))

  /** What holds whatever the database does: checks, and that the process lives. */
  async function expectChecks(server: Server, app: Parameters<Server['check']>[0], version: string | undefined) {
    for (const deviceId of ['one', 'two', 'three']) {
      const { status, body } = await server.check(app, { deviceId })
      expect([status, body.version]).toEqual([200, version])
    }
    expect(await statusOf(server, '/healthz')).toBe(200)
  }

  test('that stops and comes back: checks go on, and what else there is does so by itself', async () => {
    const server = await aServer((await aDatabase('goes'))())
    const app = await server.createTestApp()
    await server.published(app, { version: '1.0.0', bundle: await bundleOf('one') })
    await cluster.kill()
    await expectChecks(server, app, '1.0.0')
    expect(await statusOf(server, '/readyz')).toBe(503)
    expect(problemOf(await server.publish(app, { version: '1.1.0', bundle: await bundleOf('two') }))).toBe(
      '503 unavailable',
    )
    const eventId = '0190a5c0-7e1f-7d9a-8f21-5b2f6d1c0e11'
    const report = { deviceId: 'one', eventId, status: 'applied', version: '1.0.0' }
    expect((await server.report(app, report)).status).toBe(503)
    await cluster.start()
    await ready(server)
    expect((await server.publish(app, { version: '1.1.0', bundle: await bundleOf('two') })).status).toBe(201)
    await expectChecks(server, app, '1.1.0')
    // It was told to send it again; it counts once all the same.
    await eventually(async () => expect((await server.report(app, report)).status).toBe(200))
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/one`)
    expect((body.events as { kind: string }[]).filter(({ kind }) => kind === 'applied')).toHaveLength(1)
  })

  test('that accepts connections and says nothing: everything is bounded, and each lost connection is replaced', async () => {
    const urlAt = await aDatabase('silent')
    const proxy = await openTcpProxy(Number(cluster.address.split(':')[1]))
    onTestFinished(proxy.close)
    const server = await aServer(urlAt(proxy.address))
    const other = await aServer(urlAt())
    const app = await server.createTestApp()
    await server.published(app, { version: '1.0.0', bundle: await bundleOf('one') })
    proxy.silence()
    await expectChecks(server, app, '1.0.0')
    expect(await statusOf(server, '/readyz')).toBe(503)
    // By connections that stand, and by new ones.
    const publishing = await Promise.all(
      ['1.1.0', '1.2.0', '1.3.0'].map(async (version) =>
        server.publish(app, { version, bundle: await bundleOf('two') }),
      ),
    )
    expect(publishing.map(problemOf)).toEqual(['503 unavailable', '503 unavailable', '503 unavailable'])
    await expectChecks(server, app, '1.0.0')
    proxy.speak()
    await ready(server)
    await eventually(async () => {
      expect((await server.publish(app, { version: '1.4.0', bundle: await bundleOf('two') })).status).toBe(201)
    })
    // The connection that hears of changes was lost, too, and nobody said so.
    const token = server.ownerToken
    expect((await other.publish(app, { version: '1.5.0', bundle: await bundleOf('one'), token })).status).toBe(201)
    await eventually(async () => expect((await server.check(app)).body.version).toBe('1.5.0'))
  })

  test('that has no connection left: checks go on, and it is said to be away until it has', async () => {
    const server = await aServer((await aDatabase('no_room'))())
    const app = await server.createTestApp()
    await server.published(app, { version: '1.0.0', bundle: await bundleOf('one') })
    await cluster.ask('alter role no_room connection limit 0')
    await cluster.ask("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'no_room'")
    await expectChecks(server, app, '1.0.0')
    expect(await statusOf(server, '/readyz')).toBe(503)
    expect(problemOf(await server.request('GET', '/manage/v1/apps'))).toBe('503 unavailable')
    await cluster.ask('alter role no_room connection limit -1')
    await ready(server)
    expect((await server.request('GET', '/manage/v1/apps')).status).toBe(200)
  })

  test('whose connections break in the middle of a transaction: the process lives, and nothing is half published', async () => {
    const url = (await aDatabase('breaks'))()
    const server = await aServer(url)
    const app = await server.createTestApp()
    const lock = await holdTable(url, 'release')
    const publishing = server.publish(app, { version: '1.0.0', bundle: await bundleOf('one') })
    await waiting('breaks', 'people', 1)
    await cluster.ask(`select pg_terminate_backend(pid) from (${WAITING}) waiting where usename = 'breaks'`)
    expect(problemOf(await publishing)).toBe('503 unavailable')
    await lock.release()
    await ready(server)
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/releases`)
    expect(body.items).toEqual([])
    expect((await server.publish(app, { version: '1.0.0', bundle: await bundleOf('one') })).status).toBe(201)
  })

  describe('that is slow', () => {
    const REPORT = { deviceId: 'one', status: 'applied', version: '1.0.0' }

    async function aSlowOne(name: string) {
      const url = (await aDatabase(name))()
      const server = await aServer(url, { HOTPATCH_DATABASE_CONNECTIONS: '2' })
      const app = await server.createTestApp()
      await server.published(app, { version: '1.0.0', bundle: await bundleOf('one') })
      const publish = async (version: string) =>
        (await server.publish(app, { version, bundle: await bundleOf('two') })).status
      return { url, server, app, publish }
    }

    /** Asks all the time, as often at once; what comes of it is of no interest. */
    function keepAsking(server: Server, path: string, count: number) {
      const stopping = new AbortController()
      const asking = Array.from({ length: count }, async () => {
        while (!stopping.signal.aborted) await server.request('GET', path)
      })
      return async () => {
        stopping.abort()
        await Promise.all(asking)
      }
    }

    test('for figures: people publish, and devices are heard', async () => {
      const { url, server, app, publish } = await aSlowOne('slow_figures')
      const lock = await holdTable(url, 'download_hour')
      const stop = keepAsking(server, `/manage/v1/apps/${app.slug}/insights/downloads`, 8)
      await waiting('slow_figures', 'figures', 3)
      expect(await publish('1.1.0')).toBe(201)
      expect((await server.report(app, REPORT)).status).toBe(200)
      await waiting('slow_figures', 'figures', 3)
      await lock.release()
      await stop()
    })

    test('for devices: people publish, and checks are answered', async () => {
      const { url, server, app, publish } = await aSlowOne('slow_devices')
      const lock = await holdTable(url, 'device', 'share')
      await expectChecks(server, app, '1.0.0')
      const reporting = server.report(app, REPORT)
      await waiting('slow_devices', 'devices', 1)
      expect(await publish('1.1.0')).toBe(201)
      await expectChecks(server, app, '1.1.0')
      await waiting('slow_devices', 'devices', 1)
      await lock.release()
      await reporting
      await eventually(async () => expect((await server.report(app, REPORT)).status).toBe(200))
    })

    test('for people: devices are heard, and checks are answered', async () => {
      const { url, server, app } = await aSlowOne('slow_people')
      const lock = await holdTable(url, 'webhook')
      const stop = keepAsking(server, '/manage/v1/webhooks', 8)
      await waiting('slow_people', 'people', 2)
      await expectChecks(server, app, '1.0.0')
      expect((await server.report(app, REPORT)).status).toBe(200)
      await waiting('slow_people', 'people', 2)
      await lock.release()
      await stop()
    })
  })

  /** Everybody else waits for it until it is let go; who only reads not, when it is shared. */
  async function holdTable(url: string, table: string, mode: 'share' | 'access exclusive' = 'access exclusive') {
    const db = openDatabase({ kind: 'postgres', url, maxConnections: 1 })
    const held = await db.startTransaction().execute()
    await sql`lock table ${sql.table(table)} in ${sql.raw(mode)} mode`.execute(held)
    let isHeld = true
    async function release(): Promise<void> {
      if (!isHeld) return
      isHeld = false
      await held.rollback().execute()
      await db.destroy()
    }
    onTestFinished(release)
    return { release }
  }

  /** Until so many connections of that use wait for a lock at the same time. */
  const waiting = (database: string, use: string, count: number) =>
    eventually(async () => {
      const found = await cluster.ask(
        `select count(*) from (${WAITING}) waiting where usename = '${database}' and application_name = 'hotpatch-${use}'`,
      )
      expect(Number(found)).toBe(count)
    })
})
