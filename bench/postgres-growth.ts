// What big tables of PostgreSQL do to sweeps, to what devices tell, and to insights; it takes some minutes:
// `node scripts/run.mjs bench/postgres-growth.ts postgres://… [millions of events]`, with an empty database.
import { rm } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { bundleOf, startTestServer } from '@hotpatch/testkit'
import { sql } from 'kysely'
import { sweep, SWEEP_LIMITS } from '../packages/server/src/fleet/retention/retention-sweep.ts'
import { openDatabase } from '../packages/server/src/testing.ts'

const DAY_MS = 86_400_000
const url = process.argv[2] ?? ''
const EVENTS = Math.round(Number(process.argv[3] ?? 5) * 1_000_000)
const DEVICES = EVENTS / 10
const INSERTED_AT_ONCE = 600

await measure()

async function measure(): Promise<void> {
  const server = await startTestServer({ env: { DATABASE_URL: url }, clock: { now: () => Date.now() } })
  const db = openDatabase({ kind: 'postgres', url, maxConnections: 3 }, 'migrations')
  const app = await server.createTestApp()
  const { rolloutId } = await server.published(app, { version: '1.0.0', bundle: await bundleOf('one') })
  await timed('fill', () => fill(app.id, rolloutId))
  await timed('vacuum analyze', () => sql`vacuum analyze`.execute(db))
  const { rows: sizes } = await sql<{ name: string; size: string }>`select relname as name,
    pg_size_pretty(pg_total_relation_size(oid)) as size from pg_class
    where relkind = 'r' and relname in ('device_event', 'device', 'rollout_device', 'check_hour')`.execute(db)
  for (const { name, size } of sizes) say(`size of ${name}`, size)

  await askInsights('before the sweep', app.slug)
  say('a batch of 600 reports, alone', await insertFor(() => pause(5_000).then(() => true)))
  const batches: number[] = []
  const locks = new Set<string>()
  let last = performance.now()
  const sweeping = sweep(
    db,
    { now: Date.now(), goneUntil: {}, limits: SWEEP_LIMITS },
    {
      async pause(delayMs) {
        batches.push(performance.now() - last)
        await pause(delayMs)
        last = performance.now()
      },
      isStopped: () => false,
    },
  )
  let isSwept = false
  const startedAt = performance.now()
  const done = sweeping.then((swept) => {
    isSwept = true
    say('sweep', `${((performance.now() - startedAt) / 1000).toFixed(0)} s, ${JSON.stringify(swept.deleted)}`)
  })
  const beside = insertFor(async () => {
    await noteLocks(locks)
    return isSwept
  })
  await askInsights('during the sweep', app.slug)
  say('a batch of 600 reports, during the sweep', await beside)
  await done
  say('a statement of the sweep', distribution(batches))
  say('locks of the sweep', [...locks].join(', ') || 'none was seen')
  await askInsights('after the sweep', app.slug)
  const { rows: dead } = await sql<{ dead: number }>`select n_dead_tup as dead from pg_stat_user_tables
    where relname = 'device_event'`.execute(db)
  say('dead rows that vacuum has before it', String(dead[0]?.dead))
  await db.destroy()
  await server.close()
  await rm(server.directory, { recursive: true, force: true })

  async function fill(appId: string, rollout: string): Promise<void> {
    const now = Date.now()
    // Over a hundred days, of which ninety are kept.
    await sql`insert into device_event (id, app_id, device_id, kind, release_id, occurred_at, received_at, rollout_id)
      select md5(n::text), ${appId}, 'd' || (n % ${DEVICES}), 'applied', null,
        ${now - 100 * DAY_MS} + n * ${(100 * DAY_MS) / EVENTS}, ${now - 100 * DAY_MS} + n * ${(100 * DAY_MS) / EVENTS}, ${rollout}
      from generate_series(1, ${EVENTS}::bigint) n`.execute(db)
    await sql`insert into device (app_id, device_id, platform, channel, cohorts, first_seen_at, last_seen_at, native_version)
      select ${appId}, 'd' || n, 'android', 'production', '[]', ${now - 100 * DAY_MS}, ${now} - n * 1000, '1.' || (n % 30) || '.0'
      from generate_series(1, ${DEVICES}::bigint) n`.execute(db)
    await sql`insert into rollout_device (device_id, rollout_id, progress, changed_at)
      select 'd' || n, ${rollout}, 16, ${now - 100 * DAY_MS} from generate_series(1, ${DEVICES}::bigint) n`.execute(db)
    // Two years.
    await sql`insert into check_hour (app_id, hour_at, platform, channel, decision, reason, checks)
      select ${appId}, (${now}::bigint / 3600000 - n) * 3600000, platform, 'production', 'none', reason, 1000
      from generate_series(0, 17520) n, unnest(array['android', 'ios']) platform,
        unnest(array['up-to-date', 'not-in-audience', 'nothing-published', 'paused']) reason`.execute(db)
  }

  /** Batches of reports, one after the other, until it is enough. */
  async function insertFor(isEnough: () => Promise<boolean>): Promise<string> {
    const durations: number[] = []
    const over = new AbortController()
    const watching = (async () => {
      while (!(await isEnough())) await pause(50)
      over.abort()
    })()
    while (!over.signal.aborted) {
      const startedAtOnce = performance.now()
      const events = Array.from({ length: INSERTED_AT_ONCE }, (_, index) => ({
        id: randomUUID(),
        app_id: app.id,
        device_id: `d${index}`,
        kind: 'applied' as const,
        occurred_at: Date.now(),
        received_at: Date.now(),
      }))
      await db.insertInto('device_event').values(events).execute()
      durations.push(performance.now() - startedAtOnce)
      await pause(20)
    }
    await watching
    return distribution(durations)
  }

  async function noteLocks(found: Set<string>): Promise<void> {
    const { rows } = await sql<{ lock: string }>`select distinct relation::regclass || ' ' || mode as lock from pg_locks
      join pg_stat_activity using (pid) where relation::regclass::text in ('device_event', 'event_usage', 'device', 'rollout_device')
      and pid <> pg_backend_pid() and query like 'delete%'`.execute(db)
    for (const { lock } of rows) found.add(lock)
  }

  async function askInsights(when: string, slug: string): Promise<void> {
    for (const path of ['overview', 'active', 'versions', 'checks', 'downloads', 'reasons']) {
      await ask(`insights/${path}`, `/manage/v1/apps/${slug}/insights/${path}`)
    }
    await ask('devices', `/manage/v1/apps/${slug}/devices`)
    await ask("a device's timeline", `/manage/v1/apps/${slug}/devices/d77/timeline`)

    async function ask(name: string, path: string): Promise<void> {
      const startedAtOnce = performance.now()
      const { status } = await server.request('GET', path)
      say(`${name}, ${when}`, `${(performance.now() - startedAtOnce).toFixed(0)} ms (${status})`)
    }
  }

  async function timed(name: string, work: () => Promise<unknown>): Promise<void> {
    const from = performance.now()
    await work()
    say(name, `${((performance.now() - from) / 1000).toFixed(0)} s`)
  }
}

function distribution(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1)
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms, of ${sorted.length}`
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs))
}

function say(what: string, found: string): void {
  console.log(`${what}: ${found}`)
}
