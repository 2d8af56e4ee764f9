import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describeOnEveryDatabase, sha256Of } from '@hotpatch/testkit'
import { sql } from 'kysely'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { migrate } from '../ground/database/migrate.ts'
import { openDatabase } from '../ground/database/open-database.ts'
import type { Connection, Database } from '../ground/database/schema.ts'
import { createHeldFileLists, NOTHING_HELD } from './held-files.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const APP = 'app'
const idOf = (number: number) => `01970000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`

async function insertApp(db: Connection): Promise<void> {
  await db
    .insertInto('app')
    .values({
      id: APP,
      slug: APP,
      name: APP,
      app_key: 'key',
      platforms: '[]',
      check_access: 'open',
      bucketing: 'per-rollout',
      signing: 'optional',
      created_at: 0,
      device_ids: 'as-given',
      event_retention_days: 1,
      device_retention_days: 1,
      archived_retention_days: null,
      guard: '{}',
      trust: '{}',
      device_cohorts: 'ignored',
      device_credentials: 'off',
      deleted_at: null,
    })
    .execute()
}

/** Every release has the same files, as if nothing ever changed. */
async function insertReleases(db: Connection, first: number, count: number, files: number): Promise<void> {
  const paths = Array.from({ length: files }, (_, index) => `assets/chunk-${index}.js`)
  const releases = Array.from({ length: count }, (_, index) => first + index)
  const artifact = {
    content_type: 'x',
    created_at: 0,
    kept_until: null,
    awaits_compression: 0,
    awaits_packing: 0,
    bytes_until: null,
  }
  await db
    .insertInto('artifact')
    .values(paths.map((path) => ({ ...artifact, sha256: sha256Of(Buffer.from(path)), size_bytes: 9 })))
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  for (const number of releases) {
    await db
      .insertInto('release')
      .values({
        id: idOf(number),
        app_id: APP,
        platform: 'any',
        version: String(number),
        channel: 'production',
        sequence: number,
        statement_id: null,
        kind: 'archive',
        requirement: '{}',
        notes: '',
        created_at: 0,
        created_by: 'test',
        archived_at: null,
        bytes_removed_at: null,
      })
      .execute()
    await db
      .insertInto('release_file')
      .values(
        paths.map((path) => ({
          release_id: idOf(number),
          path,
          role: 'asset',
          sha256: sha256Of(Buffer.from(path)),
          size_bytes: 9,
          content_type: 'x',
          platform: null,
          architecture: null,
          format: null,
          component: null,
          url: null,
        })),
      )
      .execute()
  }
}

/** 10,000 with eight files each, as one statement each: row by row it would take a minute. */
async function insertManyReleases(db: Connection): Promise<void> {
  await insertReleases(db, 1, 1, 8)
  await sql`with recursive number (value) as (select 2 union all select value + 1 from number where value < 10000)
    insert into release (id, app_id, platform, version, channel, sequence, requirement, notes, created_at, created_by, kind)
    select '01970000-0000-7000-8000-' || printf('%012x', value), app_id, platform, value, channel, value, requirement,
      notes, created_at, created_by, kind
    from release, number where release.id = ${idOf(1)}`.execute(db)
  await sql`insert into release_file (release_id, path, role, sha256, size_bytes, content_type)
    select release.id, path, role, sha256, size_bytes, content_type
    from release, release_file where release.id > release_file.release_id`.execute(db)
}

/** Of those that are wanted: what there is. */
async function want(lists: ReturnType<typeof createHeldFileLists>, catalog: string, ids: readonly string[]) {
  const found = await lists.want(
    catalog,
    ids.map((releaseId) => ({ releaseId, variantIds: [] })),
  )
  const entries = ids.map((id) => [id, found.ofRelease(id)] as const)
  return new Map(entries.filter(([, held]) => held !== NOTHING_HELD))
}

describeOnEveryDatabase('lists of files', (open) => {
  let db: Database
  beforeAll(async () => {
    db = await open()
    await insertApp(db)
    await insertReleases(db, 1, 10, 20)
  })
  beforeEach(() => db.deleteFrom('artifact_variant').execute())

  test('are the same object for every catalog, and there are none for a release without files', async () => {
    const lists = createHeldFileLists({ db })
    const ios = await want(lists, 'ios', [idOf(1), idOf(99)])
    const android = await want(lists, 'android', [idOf(1)])
    expect([...ios.keys()]).toEqual([idOf(1)])
    expect(android.get(idOf(1))).toBe(ios.get(idOf(1)))
    const path = 'assets/chunk-0.js'
    const expected = { path, sha256: sha256Of(Buffer.from(path)), sizeBytes: 9, contentType: 'x', brotli: null }
    expect(ios.get(idOf(1))?.files).toHaveLength(20)
    expect(ios.get(idOf(1))?.files?.[0]).toEqual(expected)
  })

  test('are loaded anew when something was made of a file', async () => {
    const lists = createHeldFileLists({ db })
    const before = await want(lists, 'ios', [idOf(1)])
    const [one = '', two = ''] = ['assets/chunk-0.js', 'assets/chunk-1.js'].map((path) => sha256Of(Buffer.from(path)))
    const variant = { kind: 'compressed', algorithm: 'br', base_sha256: null, created_at: 0 } as const
    await db
      .insertInto('artifact_variant')
      .values({ ...variant, sha256: one, variant_sha256: two })
      .execute()
    const after = await want(lists, 'ios', [idOf(1)])
    expect(
      after
        .get(idOf(1))
        ?.files?.slice(0, 2)
        .map(({ brotli }) => brotli),
    ).toEqual([{ sha256: two, sizeBytes: 9 }, null])
    expect(after.get(idOf(1))).toBe(before.get(idOf(1)))
    expect(after.get(idOf(1))?.files).toHaveLength(20)
  })

  test('of older releases give way to those of newer ones, whichever came first', async () => {
    const room = createHeldFileLists({ db })
    await want(room, 'all', [idOf(1)])
    const oneList = room.heldBytes()
    const lists = createHeldFileLists({ db, maxBytes: 3 * oneList })
    const old = await want(lists, 'old', [idOf(1), idOf(2), idOf(3), idOf(4)])
    const held = (from: typeof old) =>
      [...from]
        .filter(([, { files }]) => files)
        .map(([id]) => id)
        .sort()
        .toReversed()
    expect(held(old)).toEqual([idOf(4), idOf(3), idOf(2)])
    const next = await want(lists, 'new', [idOf(9), idOf(10)])
    expect(held(next)).toEqual([idOf(10), idOf(9)])
    expect(held(old)).toEqual([idOf(4)])
    expect(held(await want(lists, 'older', [idOf(2)]))).toEqual([])
    expect(lists.heldBytes()).toBe(3 * oneList)
    await want(lists, 'new', [])
    expect(held(await want(lists, 'old', [idOf(3), idOf(4)]))).toEqual([idOf(4), idOf(3)])
    expect(lists.heldBytes()).toBe(2 * oneList)
  })
})

describe('the budget', () => {
  test('holds, in bytes as the engine has them, for 10,000 releases with files in as many catalogs', async () => {
    const db = openDatabase({ kind: 'sqlite', path: ':memory:' })
    await migrate(db)
    await insertApp(db)
    await db.transaction().execute((tx) => insertManyReleases(tx))
    const maxBytes = 2 * 1024 * 1024
    const lists = createHeldFileLists({ db, maxBytes })
    const wanted = new Map<string, { files: readonly unknown[] | null }>()
    collectGarbage()
    const before = process.memoryUsage().heapUsed
    for (let number = 1; number <= 10_000; number++) {
      const ids = [idOf(number)]
      for (const [id, slot] of await want(lists, `catalog-${number}`, ids)) wanted.set(id, slot)
      expect(lists.heldBytes()).toBeLessThanOrEqual(maxBytes)
    }
    const held = [...wanted].filter(([, { files }]) => files).map(([id]) => id)
    expect(held.length).toBeGreaterThan(300)
    expect(held).toEqual(Array.from({ length: held.length }, (_, index) => idOf(10_000 - held.length + 1 + index)))
    collectGarbage()
    // Slots without a list and what catalogs want take room, too: some hundred bytes for each of the 10,000.
    const usedBytes = process.memoryUsage().heapUsed - before
    expect(usedBytes).toBeLessThan(maxBytes + 10_000 * 1024)
    await db.destroy()
  })
})
