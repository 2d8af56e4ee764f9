import { statedArchive } from '@hotpatch/protocol'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { digestSigningInput, writeReleaseStatement } from '../packages/protocol/src/index.ts'
import { migrate, openDatabase, type Schema } from '../packages/server/src/testing.ts'

/** What the checks of the bench are about. */
/** What CodePush's clients come with. */
export const DEPLOYMENT_KEY = 'hpc_bench_deployment'
export const APP = { id: '01900000-0000-7000-8000-000000000001', key: 'hpk_bench', platform: 'android' } as const
export const CHANNEL = 'production'
/** Of the release that is placed last, whatever is below it. */
export const NEWEST_VERSION = '2.0.0'
export const NATIVE_VERSION = '1.4.0'

const NOW = Date.parse('2027-01-01T00:00:00Z')
const BUNDLE_BYTES = 12_345_678
const KEY_ID = '01900000-0000-7000-8000-000000000002'
const NOTES = 'Fixes a crash on start with an empty basket, and makes the search about twice as fast on old phones.'
/** One in so many releases is mandatory, as the decision looks through those. */
const MANDATORY_EVERY = 20

/** The id of the nth device that a seeded database knows. */
export function deviceId(index: number): string {
  return `device-${String(index).padStart(8, '0')}`
}

export const releaseId = (index: number) => id(4, index)
export const rolloutId = (index: number) => id(5, index)
const statementId = (index: number) => id(6, index)

/** The version of the nth release, from 1: the last one is always the same. */
export function versionOf(index: number, releases: number): string {
  return index === releases ? NEWEST_VERSION : `1.0.${index}`
}

/** Fills a data folder with an app whose one channel has so many signed releases, and with devices that have checked. */
export async function seed(dataDirectory: string, { releases, devices }: { releases: number; devices: number }) {
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 })
  const path = join(dataDirectory, 'hotpatch.db')
  const db = openDatabase({ kind: 'sqlite', path })
  await migrate(db)
  await db.destroy()

  const sqlite = new DatabaseSync(path, { enableForeignKeyConstraints: true })
  // Nothing is lost when the machine stops here: it is made again.
  sqlite.exec('pragma synchronous = off; begin')
  seedReleases(sqlite, releases)
  seedDevices(sqlite, devices)
  sqlite.exec('commit; pragma wal_checkpoint(truncate)')
  sqlite.close()
}

function seedReleases(sqlite: DatabaseSync, count: number): void {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const insert = inserter(sqlite)
  insert('app', {
    id: APP.id,
    slug: 'bench',
    name: 'Bench',
    app_key: APP.key,
    platforms: '["android","ios"]',
    check_access: 'app-key',
    bucketing: 'per-rollout',
    signing: 'required',
    device_ids: 'hashed',
    event_retention_days: 90,
    device_retention_days: 400,
    archived_retention_days: null,
    guard: '{}',
    trust: '{}',
    device_cohorts: 'ignored',
    device_credentials: 'off',
    created_at: NOW,
    deleted_at: null,
  })
  insert('channel', {
    id: id(3, 0),
    app_id: APP.id,
    name: CHANNEL,
    last_position: count,
    created_at: NOW,
    device_choice: 'closed',
  })
  insert('channel_key', {
    id: id(3, 1),
    app_id: APP.id,
    channel: CHANNEL,
    name: CHANNEL,
    key: DEPLOYMENT_KEY,
    key_hash: createHash('sha256').update(DEPLOYMENT_KEY).digest('hex'),
    created_at: NOW,
    created_by: 'bench',
    revoked_at: null,
    platform: APP.platform,
  })
  insert('signing_key', {
    id: KEY_ID,
    app_id: APP.id,
    algorithm: 'ed25519',
    public_key: publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64'),
    name: 'bench',
    created_at: NOW,
    created_by: 'bench',
    revoked_at: null,
  })
  const signed = (bytes: Uint8Array) => sign(null, bytes, privateKey).toString('base64')

  for (let index = 1; index <= count; index++) {
    const version = versionOf(index, count)
    const sha256 = createHash('sha256').update(version).digest('hex')
    const requirement = { minNativeVersion: '1.2.0' }
    const statement = writeReleaseStatement({
      appId: APP.id,
      platform: APP.platform,
      target: 'release',
      version,
      sequence: index,
      floor: 0,
      requirement,
      ...statedArchive({ sha256, sizeBytes: BUNDLE_BYTES }),
      createdAt: '2027-01-01T00:00:00.000Z',
    })
    insert('artifact', {
      sha256,
      size_bytes: BUNDLE_BYTES,
      content_type: 'application/zip',
      created_at: NOW,
      kept_until: null,
      awaits_compression: 0,
      awaits_packing: 0,
      bytes_until: null,
    })
    insert('artifact_facts', {
      sha256,
      kind: 'archive',
      facts: JSON.stringify({ kind: 'archive', fileCount: 120, unpackedBytes: BUNDLE_BYTES, rootFiles: [] }),
    })
    insert('statement', {
      id: statementId(index),
      app_id: APP.id,
      platform: APP.platform,
      sequence: index,
      floor: 0,
      text: statement,
      signature: signed(Buffer.from(statement)),
      key_id: KEY_ID,
      stated_at: NOW,
    })
    insert('release', {
      id: releaseId(index),
      app_id: APP.id,
      platform: APP.platform,
      version,
      channel: CHANNEL,
      sequence: index,
      statement_id: statementId(index),
      kind: 'archive',
      version_code: null,
      build_id: null,
      launch_sha256: null,
      requirement: JSON.stringify(requirement),
      notes: NOTES,
      created_at: NOW,
      created_by: 'bench',
      archived_at: null,
      bytes_removed_at: null,
    })
    insert('signature', {
      release_id: releaseId(index),
      subject: 'bundle.zip',
      scheme: 'ed25519-digest',
      key_id: KEY_ID,
      value: signed(digestSigningInput(sha256)),
    })
    insert('release_file', {
      release_id: releaseId(index),
      path: 'bundle.zip',
      role: 'archive',
      sha256,
      size_bytes: BUNDLE_BYTES,
      content_type: 'application/zip',
      platform: null,
      architecture: null,
      format: null,
      component: null,
      url: null,
      delta_from: null,
    })
    insert('file_digest', {
      release_id: releaseId(index),
      role: 'archive',
      path: 'bundle.zip',
      algorithm: 'package',
      value: createHash('sha256').update(sha256).digest('hex'),
    })
    const rollout = rolloutId(index)
    insert('rollout', {
      id: rollout,
      app_id: APP.id,
      platform: APP.platform,
      channel: CHANNEL,
      position: index,
      release_id: releaseId(index),
      state: 'active',
      starts_at: null,
      awaits_approval: 0,
      awaits_start: 0,
      mandatory: index % MANDATORY_EVERY === 0 && index < count ? 1 : 0,
      mandatory_below: null,
      percentage: 100,
      devices: '[]',
      cohorts: '[]',
      rules: '[]',
      slice: null,
      experiment_id: null,
      salt: rollout,
      buckets: 10_000,
      statement_id: null,
      created_at: NOW,
      created_by: 'bench',
      updated_at: NOW,
      ended_at: null,
      label_number: null,
      drawing: null,
      revision: 1,
    })
  }
  insert('platform_sequence', { app_id: APP.id, platform: APP.platform, last_sequence: count })
  insert('catalog_generation', { app_id: APP.id, platform: APP.platform, channel: CHANNEL, generation: count })
}

function seedDevices(sqlite: DatabaseSync, count: number): void {
  sqlite
    .prepare(
      `with recursive number(n) as (select 0 union all select n + 1 from number where n + 1 < ?)
       insert into device (app_id, device_id, platform, channel, native_version, runtime_version, current_release_id,
         current_version, cohorts, last_decision, last_reason, first_seen_at, last_seen_at)
       select ?, format('device-%08d', n), ?, ?, ?, null, null, null, '[]', 'update', 'percentage', ?, ?
       from number where n < ?`,
    )
    .run(count, APP.id, APP.platform, CHANNEL, NATIVE_VERSION, NOW, NOW, count)
}

/** The tables' own types keep this in step with the schema. */
function inserter(sqlite: DatabaseSync) {
  const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>()
  return function insert<Table extends keyof Schema>(table: Table, row: Schema[Table]): void {
    const columns = Object.keys(row)
    let statement = statements.get(table)
    if (!statement) {
      const values = columns.map(() => '?').join(', ')
      statement = sqlite.prepare(`insert into "${table}" (${columns.join(', ')}) values (${values})`)
      statements.set(table, statement)
    }
    statement.run(...Object.values(row))
  }
}

function id(kind: number, index: number): string {
  return `01900000-0000-7000-8${kind.toString(16).padStart(3, '0')}-${index.toString(16).padStart(12, '0')}`
}
