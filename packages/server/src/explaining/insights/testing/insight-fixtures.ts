import { archiveKind } from '../../../shipping/content/archive/archive-kind.ts'
import { insertReleaseFiles } from '../../../shipping/content/content-queries.ts'
import type { Database, Schema } from '../../../ground/database/schema.ts'

export const HOUR = 3_600_000
export const DAY = 24 * HOUR
/** A Wednesday, half past ten. */
export const NOW = Date.UTC(2026, 5, 17, 10, 30)

export const RELEASES = [
  { id: '01970000-0000-7000-8000-0000000000a1', version: '1.0.0', sizeBytes: 1_000, sha256: 'a'.repeat(64) },
  { id: '01970000-0000-7000-8000-0000000000a2', version: '2.0.0', sizeBytes: 2_000, sha256: 'b'.repeat(64) },
] as const

export type InsightFixtures = ReturnType<typeof createInsightFixtures>

/** What a fleet leaves behind, row by row, as nobody has to produce it. */
export function createInsightFixtures(db: Database, appId: string) {
  let count = 0
  const nextId = () => `01970000-0000-7000-8000-${(++count).toString(16).padStart(12, '0')}`

  async function insertReleases(): Promise<void> {
    for (const { id, version, sizeBytes, sha256 } of RELEASES) {
      await db
        .insertInto('artifact')
        .values({
          sha256,
          size_bytes: sizeBytes,
          content_type: 'application/zip',
          created_at: 0,
          kept_until: null,
          awaits_compression: 0,
          awaits_packing: 0,
          bytes_until: null,
        })
        .execute()
      const release: Schema['release'] = {
        id,
        app_id: appId,
        platform: 'android',
        version,
        channel: 'production',
        sequence: Number(version[0]),
        statement_id: null,
        kind: 'archive',
        version_code: null,
        build_id: null,
        launch_sha256: null,
        requirement: '{}',
        notes: '',
        created_at: 0,
        created_by: 'test',
        archived_at: null,
        bytes_removed_at: null,
      }
      await db.insertInto('release').values(release).execute()
      await insertReleaseFiles(
        db,
        id,
        archiveKind.filesOf([{ sha256, sizeBytes }], { platform: 'android', content: { kind: 'archive' } }),
      )
    }
  }

  async function clear(): Promise<void> {
    for (const table of ['device', 'activity', 'check_hour', 'unkept_hour', 'download_hour', 'rollout_hour'] as const) {
      await db.deleteFrom(table).execute()
    }
    for (const table of ['rollout_device', 'rollout', 'experiment'] as const) await db.deleteFrom(table).execute()
  }

  async function devices(howMany: number, changes: Partial<Schema['device']>): Promise<void> {
    const rows = Array.from({ length: howMany }, () => ({
      app_id: appId,
      device_id: nextId(),
      platform: 'android' as const,
      channel: 'production',
      attributes: '{}',
      cohorts: '[]',
      progress: 0,
      first_seen_at: NOW - 50 * DAY,
      last_seen_at: NOW - HOUR,
      ...changes,
    }))
    await db.insertInto('device').values(rows).execute()
  }

  async function activity(changes: Partial<Schema['activity']>): Promise<void> {
    const row = { app_id: appId, platform: 'android', channel: 'production', version: '', devices: 1, ...changes }
    await db
      .insertInto('activity')
      .values(row as Schema['activity'])
      .execute()
  }

  async function checks(changes: Partial<Schema['check_hour']>): Promise<void> {
    const place = { app_id: appId, platform: 'android', channel: 'production' }
    const row = { ...place, decision: 'up-to-date', reason: 'runs-the-target', checks: 1, ...changes }
    await db
      .insertInto('check_hour')
      .values(row as Schema['check_hour'])
      .execute()
  }

  async function unkept(changes: Omit<Schema['unkept_hour'], 'app_id'> & { app_id?: string }): Promise<void> {
    await db
      .insertInto('unkept_hour')
      .values({ app_id: appId, ...changes })
      .execute()
  }

  async function downloads(
    { sha256 }: { sha256: string },
    counted: Omit<Schema['download_hour'], 'sha256' | 'release_id'> & { release_id?: string },
  ) {
    await db
      .insertInto('download_hour')
      .values({ sha256, release_id: '', ...counted })
      .execute()
  }

  async function rollout(changes: Partial<Schema['rollout']> = {}): Promise<string> {
    const id = nextId()
    const row = {
      id,
      app_id: appId,
      platform: 'android',
      channel: 'production',
      position: count,
      release_id: RELEASES[0].id,
      state: 'active',
      mandatory: 0,
      percentage: 100,
      devices: '[]',
      cohorts: '[]',
      rules: '[]',
      salt: id,
      buckets: 10_000,
      created_at: NOW - 5 * DAY,
      created_by: 'test',
      updated_at: NOW - 5 * DAY,
      revision: 1,
      ...changes,
    }
    await db
      .insertInto('rollout')
      .values(row as Schema['rollout'])
      .execute()
    return id
  }

  async function rolloutHour(rolloutId: string, counted: Partial<Schema['rollout_hour']>): Promise<void> {
    await db
      .insertInto('rollout_hour')
      .values({ rollout_id: rolloutId, ...counted } as Schema['rollout_hour'])
      .execute()
  }

  async function rolloutDevice(rolloutId: string, row: Partial<Schema['rollout_device']>): Promise<void> {
    await db
      .insertInto('rollout_device')
      .values({ rollout_id: rolloutId, device_id: nextId(), progress: 1, is_known: 0, changed_at: NOW, ...row })
      .execute()
  }

  /** Arms by their names: the rollouts of these ids. */
  async function experiment(name: string, arms: Record<string, string>): Promise<string> {
    const id = nextId()
    const row = { id, app_id: appId, name, platform: 'android', channel: 'production', state: 'running' }
    await db
      .insertInto('experiment')
      .values({
        ...row,
        arms: JSON.stringify(armsOf(arms)),
        percentage: 100,
        created_at: 0,
        created_by: 'test',
      } as Schema['experiment'])
      .execute()
    return id
  }

  const armsOf = (arms: Record<string, string>) =>
    Object.entries(arms).map(([name, rolloutId]) => ({ name, weight: 50, rolloutId }))

  return {
    insertReleases,
    clear,
    devices,
    activity,
    checks,
    unkept,
    downloads,
    rollout,
    rolloutHour,
    rolloutDevice,
    experiment,
  }
}
