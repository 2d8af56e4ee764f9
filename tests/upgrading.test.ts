import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { startServerProcess, temporaryDirectory } from '@hotpatch/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { migrate } from '../packages/server/src/ground/database/migrate.ts'
import { MIGRATIONS } from '../packages/server/src/ground/database/migrations/index.ts'
import { openDatabase } from '../packages/server/src/ground/database/open-database.ts'

const NAMES = Object.keys(MIGRATIONS)
const NOW = 1_790_000_000_000

/** Answers to devices have no others. */
function idOf(kind: number, era: number): string {
  return `01900000-0000-7000-8000-${(kind * 1000 + era).toString().padStart(12, '0')}`
}

/** What a server of that time had written: an app with a release on its channel, a device that runs it, and who did it. */
function writeAsThen(file: string, era: number): void {
  const db = new DatabaseSync(file)
  const put = (table: string, row: Record<string, string | number | null>) => {
    const columns = Object.keys(row)
    const places = columns.map(() => '?').join(', ')
    db.prepare(`insert into ${table} (${columns.join(', ')}) values (${places})`).run(...Object.values(row))
  }
  const app_id = idOf(0, era)
  const slug = `app-${era}`
  const sha256 = era.toString(16).padStart(64, '0')
  const of = { app_id, platform: 'android' }
  const by = { created_at: NOW, created_by: 'somebody' }
  put('app', {
    id: app_id,
    slug,
    name: slug,
    app_key: `key-of-${era}-long-enough-to-be-one`,
    platforms: '["android"]',
    check_access: 'open',
    bucketing: 'per-rollout',
    signing: 'optional',
    created_at: NOW,
  })
  put('channel', { id: `channel-${era}`, app_id, name: 'production', last_position: 1, created_at: NOW })
  put('artifact', { sha256, size_bytes: 6, content_type: 'application/zip', created_at: NOW })
  put('release', {
    id: idOf(1, era),
    ...of,
    version: '1.2.0',
    channel: 'production',
    sequence: 1,
    requirement: '{}',
    notes: 'as then',
    ...by,
  })
  put('release_file', {
    release_id: idOf(1, era),
    path: 'bundle.zip',
    role: 'archive',
    sha256,
    size_bytes: 6,
    content_type: 'application/zip',
  })
  put('rollout', {
    id: idOf(2, era),
    ...of,
    channel: 'production',
    position: 1,
    release_id: idOf(1, era),
    state: 'active',
    starts_at: null,
    mandatory: 0,
    percentage: 100,
    devices: '[]',
    cohorts: '[]',
    salt: '',
    buckets: 10000,
    updated_at: NOW,
    ...by,
  })
  put('catalog_generation', { ...of, channel: 'production', generation: 1 })
  put('device', {
    ...of,
    device_id: 'phone',
    channel: 'production',
    cohorts: '[]',
    first_seen_at: NOW,
    last_seen_at: NOW,
  })
  put('device_event', {
    id: `event-${era}`,
    app_id,
    device_id: 'phone',
    kind: 'applied',
    occurred_at: NOW,
    received_at: NOW,
  })
  put('audit_entry', {
    id: `entry-${era}`,
    at: NOW,
    actor_name: 'somebody',
    action: 'app.create',
    subject_kind: 'app',
    subject_id: app_id,
  })
  db.close()
}

test('a database that lived through every version, with data of each, is brought up to date and served', async () => {
  const directory = await temporaryDirectory()
  const path = join(directory, 'hotpatch.db')
  for (const [era] of NAMES.entries()) {
    const db = openDatabase({ kind: 'sqlite', path })
    await migrate(db, Object.fromEntries(NAMES.slice(0, era + 1).map((name) => [name, MIGRATIONS[name] as never])))
    await db.destroy()
    writeAsThen(path, era)
  }
  const server = await startServerProcess({ directory })
  onTestFinished(() => void server.stop('SIGKILL').catch(() => undefined))
  const headers = { authorization: `Bearer ${server.ownerToken}` }
  for (const [era, name] of NAMES.entries()) {
    const query = `platform=android&version=1.0.0&deviceId=phone`
    const offer = (await (await fetch(`${server.url}/apps/app-${era}/update/check?${query}`)).json()) as object
    expect({ name, ...offer }).toMatchObject({ name, updateAvailable: true, version: '1.2.0' })
    const shown = await fetch(`${server.url}/manage/v1/apps/app-${era}/devices/phone`, { headers })
    expect([name, shown.status]).toEqual([name, 200])
  }
  expect(await server.stop()).toBe(0)
  const db = new DatabaseSync(path, { readOnly: true })
  expect(db.prepare('pragma foreign_key_check').all()).toEqual([])
  expect(db.prepare("select count(*) as count from device_event where kind = 'applied'").get()).toEqual({
    count: NAMES.length,
  })
  db.close()
})

test('the log says from which schema to which a start has brought the database, and the next start has nothing to say', async () => {
  const directory = await temporaryDirectory()
  const db = openDatabase({ kind: 'sqlite', path: join(directory, 'hotpatch.db') })
  const older = NAMES.slice(0, -1)
  await migrate(db, Object.fromEntries(older.map((name) => [name, MIGRATIONS[name] as never])))
  await db.destroy()
  for (const lines of [1, 0]) {
    const server = await startServerProcess({ directory })
    onTestFinished(() => void server.stop('SIGKILL').catch(() => undefined))
    const said = server
      .output()
      .split('\n')
      .filter((line) => line.includes('the database was brought up to date'))
    expect(said).toHaveLength(lines)
    if (lines === 1) expect(JSON.parse(said[0] ?? '')).toMatchObject({ from: older.at(-1), to: NAMES.at(-1) })
    expect(await server.stop()).toBe(0)
  }
})

test('a server refuses the database of a newer one, says which, and leaves it as it is', async () => {
  const directory = await temporaryDirectory()
  const path = join(directory, 'hotpatch.db')
  const db = openDatabase({ kind: 'sqlite', path })
  await migrate(db)
  await db.destroy()
  const newer = new DatabaseSync(path)
  newer.exec(
    "insert into kysely_migration (name, timestamp) values ('9999-of-the-next', 'then'); pragma wal_checkpoint(truncate)",
  )
  newer.close()
  const before = await readFile(path)
  const refusal = await startServerProcess({ directory }).catch((error: Error) => error.message)
  expect(refusal).toContain(
    `HotPatch did not start. The database has the schema "9999-of-the-next", and this server knows up to`,
  )
  expect(refusal).toContain(
    'Run the newer version of HotPatch that made it, or restore the backup from before that upgrade.',
  )
  expect(await readFile(path)).toEqual(before)
})
