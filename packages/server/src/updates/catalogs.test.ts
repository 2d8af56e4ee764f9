import { Kysely, type KyselyPlugin } from 'kysely'
import {
  bundleOf,
  createPostgresDatabase,
  eventually,
  problemOf,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openDatabase } from '../ground/database/open-database.ts'
import type { Schema } from '../ground/database/schema.ts'
import { NodeSqliteDialect } from '../ground/database/sqlite-dialect.ts'

type StartOptions = Parameters<typeof startTestServer>[0]

async function start(options: StartOptions): Promise<TestServer> {
  const server = await startTestServer(options)
  onTestFinished(() => server.close())
  return server
}

describe('a check', () => {
  test('sees a change as soon as the change is answered', async () => {
    const server = await start({})
    const app = await server.createTestApp()
    const version = async () => (await server.check(app)).body.version
    for (const next of ['1.0.0', '1.1.0', '1.2.0']) {
      const { rolloutId } = await server.published(app, { version: next, bundle: await bundleOf(next) })
      expect(await version()).toBe(next)
      await server.request('POST', `/manage/v1/rollouts/${rolloutId}/pause`)
      expect(await version()).not.toBe(next)
      await server.request('POST', `/manage/v1/rollouts/${rolloutId}/resume`)
      expect(await version()).toBe(next)
    }
  })

  test('asks the database nothing; what it tells is written later, together', async () => {
    const queries: string[] = []
    const database = new Kysely<Schema>({
      dialect: new NodeSqliteDialect(':memory:'),
      log: (event) => void queries.push(event.query.sql),
    })
    // However long the checks take: their time comes when somebody asks.
    const timers = { after: () => () => undefined }
    const server = await start({ database, timers })
    const app = await server.createTestApp()
    await server.published(app, { bundle: await bundleOf('one') })
    queries.length = 0
    for (let number = 0; number < 400; number++) await server.check(app, { deviceId: `device-${number}` })
    expect(queries).toEqual([])
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices?limit=200`)
    expect(body.items).toHaveLength(200)
    const { body: metrics } = await server.request('GET', '/metrics')
    expect(metrics).toContain('hotpatch_fleet_written_rows 400\n')
    expect(Number(/hotpatch_fleet_written_batches (\d+)/.exec(metrics)?.[1])).toBeLessThanOrEqual(2)
  })

  test('goes on when the database does not answer, and the server says that it is not ready', async () => {
    let isBroken = false
    const breaker: KyselyPlugin = {
      transformQuery({ node }) {
        if (isBroken) throw new Error('the database is gone')
        return node
      },
      transformResult: ({ result }) => Promise.resolve(result),
    }
    const server = await start({ database: openDatabase({ kind: 'sqlite', path: ':memory:' }).withPlugin(breaker) })
    const app = await server.createTestApp()
    const { releaseId } = await server.published(app, { bundle: await bundleOf('one') })
    expect((await server.request('GET', '/readyz', { token: null })).body).toEqual({ status: 'ready' })

    isBroken = true
    expect((await server.check(app)).body).toMatchObject({ updateAvailable: true, releaseId })
    expect(problemOf(await server.request('GET', '/readyz', { token: null }))).toBe('503 unavailable')
    expect((await server.request('GET', '/healthz', { token: null })).status).toBe(200)
    const report = await server.report(app, { status: 'failed', releaseId })
    expect(problemOf(report)).toBe('503 unavailable')
    expect(Number(report.headers['retry-after'])).toBeGreaterThan(0)
    expect((await server.request('GET', '/manage/v1/apps')).status).toBe(500)
    expect((await server.check(app, { deviceId: 'later' })).status).toBe(200)

    isBroken = false
    expect((await server.request('GET', '/readyz', { token: null })).status).toBe(200)
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices`)
    expect(body.items.map((item: { id: string }) => item.id)).toContain('later')
  })
})

describe('a second server on the same database', () => {
  test('finds by time what it was not told', async () => {
    const database = openDatabase({ kind: 'sqlite', path: ':memory:' })
    const first = await start({ database })
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const second = await start({ database, env: { HOTPATCH_REFRESH_SECONDS: '7' } })
    const app = await first.createTestApp()
    const { releaseId } = await first.published(app, { bundle: await bundleOf('one') })
    expect((await second.check(app)).status).toBe(401)
    await vi.advanceTimersByTimeAsync(7_000)
    await eventually(async () => expect((await second.check(app)).body).toMatchObject({ releaseId }))
  })

  const url = process.env.TEST_POSTGRES_URL
  test.skipIf(!url)('hears of every change from PostgreSQL', async () => {
    const database = await createPostgresDatabase(url ?? '')
    onTestFinished(() => database.drop())
    // An hour: what comes sooner was told.
    const env = { DATABASE_URL: database.url, HOTPATCH_REFRESH_SECONDS: '3600', JWT_SECRET: 'j'.repeat(32) }
    const first = await start({ env })
    const second = await start({ env })
    const soon = <Result>(check: () => Promise<Result>) => eventually(check, { everyMs: 20 })
    const token = first.ownerToken

    const app = await first.createTestApp()
    await soon(async () => expect((await second.check(app)).status).toBe(200))
    const { rolloutId, releaseId } = await first.published(app, { bundle: await bundleOf('one') })
    await soon(async () => expect((await second.check(app)).body).toMatchObject({ releaseId }))

    // The other way round, with the token that the first server made.
    const halt = await second.request('POST', `/manage/v1/rollouts/${rolloutId}/halt`, { token })
    expect(halt.body.state).toBe('halted')
    await soon(async () => expect((await first.check(app)).body.reason).toBe('halted'))

    const { body: pair } = await second.request('POST', '/auth/token', { body: { apiKey: token }, token: null })
    const { status } = await first.request('GET', '/manage/v1/whoami', { token: pair.accessToken })
    expect(status).toBe(200)
  })
})
