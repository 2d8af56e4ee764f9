import { bundleOf, createPostgresDatabase, fixedClock, startTestServer, type TestServer } from '@hotpatch/testkit'
import type { Rollout } from '@hotpatch/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../ground/database/open-database.ts'
import type { Database } from '../../ground/database/schema.ts'
import { addAttempts } from './testing/add-attempts.ts'

const SERVERS = 8
const POSTGRES = process.env.TEST_POSTGRES_URL

/** Needs a real PostgreSQL: elsewhere only one can write. */
describe.skipIf(!POSTGRES)('many servers on one database', () => {
  const clock = fixedClock()
  let postgres: Awaited<ReturnType<typeof createPostgresDatabase>>
  let db: Database
  let servers: TestServer[] = []
  let first: TestServer
  let token: string

  beforeAll(async () => {
    postgres = await createPostgresDatabase(POSTGRES ?? '')
    const env = {
      DATABASE_URL: postgres.url,
      HOTPATCH_DEVICE_ID_SECRET: 'a secret that all of them share, as they must',
      HOTPATCH_SECRETS_KEY: 'a secrets key that all of them share as they must',
    }
    first = await startTestServer({ env, clock })
    token = first.ownerToken
    const others = Array.from({ length: SERVERS - 1 }, () => startTestServer({ env, clock }))
    servers = [first, ...(await Promise.all(others))]
    db = openDatabase({ kind: 'postgres', url: postgres.url, maxConnections: 2 })
  })
  afterAll(async () => {
    await db.destroy()
    await Promise.all(servers.map((server) => server.close()))
    await postgres.drop()
  })

  const lookAtOnce = () => Promise.all(servers.map((server) => server.app.tick()))
  const entriesOf = (appId: string, action: string) =>
    db.selectFrom('audit_entry').selectAll().where('app_id', '=', appId).where('action', '=', action).execute()
  const placements = (appId: string) => db.selectFrom('rollout').selectAll().where('app_id', '=', appId).execute()
  const place = async (guard: object) => {
    const app = await first.createTestApp()
    const before = await first.published(app, { bundle: await bundleOf('one'), version: '1.0.0' })
    const { rolloutId } = await first.published(app, { bundle: await bundleOf('two'), version: '1.1.0', guard })
    return { app, before, rolloutId }
  }

  test('a rollout that trips under all of them goes back once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { app, before, rolloutId } = await place({ action: 'roll-back' })
      await addAttempts(db, rolloutId, { attempted: 100, bad: 40 }, clock.now())
      await lookAtOnce()
      await lookAtOnce()
      expect(await entriesOf(app.id, 'guard.tripped')).toHaveLength(1)
      expect(await entriesOf(app.id, 'rollout.rolled-back')).toHaveLength(1)
      expect(await entriesOf(app.id, 'rollout.halted')).toHaveLength(1)
      const rollouts = await placements(app.id)
      expect(rollouts).toHaveLength(3)
      expect(rollouts.find(({ position }) => position === 3)).toMatchObject({ release_id: before.releaseId })
      const told = await db
        .selectFrom('announcement')
        .selectAll()
        .where('app_id', '=', app.id)
        .where('type', '=', 'guard.tripped')
        .execute()
      expect(told).toHaveLength(1)
    }
  })

  test.each([
    ['notify', 'active', 0],
    ['pause', 'paused', 1],
  ])('one that is to %s does so once', async (action, state, pauses) => {
    for (let round = 0; round < 5; round += 1) {
      const { app, rolloutId } = await place({ action })
      await addAttempts(db, rolloutId, { attempted: 100, bad: 40 }, clock.now())
      await lookAtOnce()
      await lookAtOnce()
      expect(await entriesOf(app.id, 'guard.tripped')).toHaveLength(1)
      expect(await entriesOf(app.id, 'rollout.paused')).toHaveLength(pauses)
      expect((await first.request('GET', `/manage/v1/rollouts/${rolloutId}`)).body).toMatchObject({
        state,
        guard: { state: 'tripped' },
      })
    }
  })

  test('a look counts once, whoever looks', async () => {
    const { rolloutId } = await place({})
    await addAttempts(db, rolloutId, { attempted: 100, bad: 1 }, clock.now())
    await lookAtOnce()
    const row = await db.selectFrom('rollout_guard').selectAll().where('rollout_id', '=', rolloutId).executeTakeFirst()
    expect(row).toMatchObject({ state: 'watching', looks: 1, last_sample: 100 })
  })

  test('what a person halts, withdraws or publishes over at the same moment is never brought back', async () => {
    for (const transition of ['halt', 'withdraw', 'pause', 'publish']) {
      const { app, rolloutId } = await place({ action: 'roll-back' })
      await addAttempts(db, rolloutId, { attempted: 100, bad: 40 }, clock.now())
      const act = async () =>
        transition === 'publish'
          ? first.published(app, { bundle: await bundleOf('three'), version: '1.2.0' })
          : first.request('POST', `/manage/v1/rollouts/${rolloutId}/${transition}`, { token })
      await Promise.all([act(), lookAtOnce()])
      await lookAtOnce()
      const tripped = await entriesOf(app.id, 'guard.tripped')
      const rolledBack = await entriesOf(app.id, 'rollout.rolled-back')
      expect(tripped.length).toBeLessThanOrEqual(1)
      expect(rolledBack.length).toBeLessThanOrEqual(tripped.length)
      const { body } = await first.request('GET', `/manage/v1/rollouts/${rolloutId}`)
      expect(['halted', 'withdrawn']).toContain((body as Rollout).state)
      if (transition === 'withdraw') expect((body as Rollout).state).toBe('withdrawn')
    }
  })
})
