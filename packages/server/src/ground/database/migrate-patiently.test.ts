import { bundleOf, createPostgresDatabase, eventually, startTestServer } from '@hotpatch/testkit'
import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { systemTimers } from '../clock.ts'
import { migratePatiently } from './migrate-patiently.ts'
import { migrate } from './migrate.ts'
import { MIGRATIONS } from './migrations/index.ts'
import { openDatabase, type PoolUse } from './open-database.ts'
import type { Database } from './schema.ts'

const POSTGRES = process.env.TEST_POSTGRES_URL
const NAMES = Object.keys(MIGRATIONS)
const NOW = 1_790_000_000_000
const DEVICES = 50_000

/** As a next version's may be: more room for what there is, and a way to find it. */
const NEXT: Record<string, Migration> = {
  ...MIGRATIONS,
  '9001-mood-of-devices': {
    async up(db: Kysely<unknown>) {
      await sql`alter table device add column mood text not null default 'calm'`.execute(db)
      await sql`create index device_mood on device (app_id, mood)`.execute(db)
      await sql`alter table release add column mood text`.execute(db)
      await sql`update release set mood = 'calm'`.execute(db)
    },
  },
}

describe.skipIf(!POSTGRES)('a migration of PostgreSQL', () => {
  async function aDatabase(template?: string) {
    const { url, drop } = await createPostgresDatabase(POSTGRES ?? '', template)
    onTestFinished(drop)
    const open = (use: PoolUse = 'people', maxConnections = 2) =>
      openDatabase({ kind: 'postgres', url, maxConnections }, use)
    const db = open()
    onTestFinished(() => db.destroy())
    return { url, db, open }
  }

  const migrated = () => aDatabase(inject('migratedPostgres'))

  function patiently(db: Database, migrations: Record<string, Migration>, maxTries = 150) {
    const said: string[] = []
    const say = (_fields: object, text: string) => void said.push(text)
    const options = { timers: systemTimers, log: { warn: say, info: say }, maxTries }
    return { said, done: migratePatiently(db, { ...options, run: (each) => migrate(each, migrations) }) }
  }

  const hasMood = async (db: Database) => {
    const { rows } = await sql`select 1 from information_schema.columns
      where table_schema = current_schema() and table_name = 'device' and column_name = 'mood'`.execute(db)
    return rows.length === 1
  }

  /** A transaction that has read a table, and goes on. */
  async function readFrom(db: Database, table: string) {
    const held = await db.startTransaction().execute()
    await sql`select 1 from ${sql.table(table)} limit 1`.execute(held)
    return held
  }

  test('waits for a long transaction, lets others by in between, and says once that it waits', async () => {
    const { db, open } = await migrated()
    const held = await readFrom(db, 'device')
    const { said, done } = patiently(open('migrations', 1), NEXT)
    await eventually(() => expect(said).toHaveLength(1))
    // Whoever comes behind it has its turn each time that it gives up.
    for (let turn = 0; turn < 3; turn += 1) await sql`select count(*) from device`.execute(db)
    expect(await hasMood(db)).toBe(false)
    await held.commit().execute()
    await done
    expect(said).toEqual(['the migration waits for what others hold; it is tried again', 'the database is migrated'])
    expect(await hasMood(db)).toBe(true)
  })

  test('gives up after so many tries, and has changed nothing', async () => {
    const { db, open } = await migrated()
    const held = await readFrom(db, 'device')
    const { done } = patiently(open('migrations', 1), NEXT, 2)
    const refusal = await done.catch((error: unknown) => error)
    expect((refusal as Error).message).toBe('The database migration 9001-mood-of-devices failed; nothing was changed.')
    expect((refusal as Error & { cause: unknown }).cause).toMatchObject({ code: '55P03' })
    await held.commit().execute()
    expect(await hasMood(db)).toBe(false)
  })

  test('is made once by two servers that start at once', async () => {
    const { db, open } = await migrated()
    const both = [patiently(open('migrations', 1), NEXT), patiently(open('migrations', 1), NEXT)]
    await Promise.all(both.map(({ done }) => done))
    expect(await hasMood(db)).toBe(true)
    const { rows } = await sql`select name from kysely_migration where name like '9001%'`.execute(db)
    expect(rows).toHaveLength(1)
  })

  test('of the next version lets this one go on: its servers answer, publish and are told, during it and after', async () => {
    const { url, db, open } = await migrated()
    const server = await startTestServer({ env: { DATABASE_URL: url } })
    onTestFinished(server.close)
    const app = await server.createTestApp()
    await server.published(app, { version: '1.0.0', bundle: await bundleOf('one') })
    await addDevices(db, app.id)
    const versions = Array.from({ length: 5 }, (_, minor) => `1.${minor + 1}.0`)

    async function work(version: string): Promise<void> {
      expect((await server.check(app, { deviceId: `works-on-${version}` })).status).toBe(200)
      const report = { deviceId: 'phone', status: 'applied', version: '1.0.0' }
      expect((await server.report(app, report)).status).toBe(200)
      // When both want what the other one has, one of them is told to come again.
      const statuses: number[] = []
      while (statuses.at(-1) !== 201 && statuses.length < 10) {
        statuses.push((await server.publish(app, { version, bundle: await bundleOf('two') })).status)
      }
      expect(statuses.filter((status) => status !== 503)).toEqual([201])
      expect((await server.check(app)).body.version).toBe(version)
    }

    const { done } = patiently(open('migrations', 1), NEXT)
    for (const version of versions) await work(version)
    await done
    await work('2.0.0')
    expect(await hasMood(db)).toBe(true)
    const { rows } = await sql`select 1 from device where device_id = 'works-on-2.0.0' and mood = 'calm'`.execute(db)
    const listed = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/works-on-2.0.0`)
    expect([rows.length, listed.status]).toEqual([1, 200])
  })

  test('that is the newest one here runs on data while statements of the version before go on', async () => {
    const { url, db, open } = await aDatabase()
    const before = Object.fromEntries(NAMES.slice(0, -1).map((name) => [name, MIGRATIONS[name] as Migration]))
    await migrate(db, before)
    const appId = '01900000-0000-7000-8000-000000000001'
    await sql`insert into app (id, slug, name, app_key, platforms, check_access, bucketing, signing, created_at)
      values (${appId}, 'then', 'then', 'a key that is long enough', '["android"]', 'open', 'per-rollout', 'optional', ${NOW})`.execute(
      db,
    )
    await addDevices(db, appId)

    const stopping = new AbortController()
    const statements = async () => {
      let count = 0
      for (; !stopping.signal.aborted; count += 1) {
        await sql`update device set last_seen_at = last_seen_at + 1 where app_id = ${appId} and device_id = ${`d${count}`}`.execute(
          db,
        )
        await sql`insert into device_event (id, app_id, device_id, kind, occurred_at, received_at)
          values (${`during-${count}`}, ${appId}, 'd1', 'applied', ${NOW}, ${NOW})`.execute(db)
        await sql`select * from rollout join app on app.id = rollout.app_id`.execute(db)
      }
      return count
    }
    const working = statements()
    await patiently(open('migrations', 1), MIGRATIONS).done
    stopping.abort()
    expect(await working).toBeGreaterThan(0)
    const server = await startTestServer({ env: { DATABASE_URL: url } })
    onTestFinished(server.close)
    expect((await server.request('GET', '/manage/v1/apps/then/devices/d1')).status).toBe(200)
  })
})

async function addDevices(db: Database, appId: string): Promise<void> {
  await sql`insert into device (app_id, device_id, platform, channel, cohorts, first_seen_at, last_seen_at)
    select ${appId}, 'd' || number, 'android', 'production', '[]', ${NOW}::bigint, ${NOW}::bigint
    from generate_series(1, ${DEVICES}::int) number`.execute(db)
}
