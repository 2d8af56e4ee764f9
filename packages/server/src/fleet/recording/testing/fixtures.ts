import type { Database } from '../../../ground/database/schema.ts'
import type { DeviceNote, DeviceReport } from '../device-report.ts'
import type { Log } from '../../../ground/log.ts'
import type { FleetBatch } from '../writing/fleet-batch.ts'
import type { DeviceRow } from '../fleet-store.ts'
import type { FleetWriter } from '../writing/fleet-writer.ts'

export const APP_ID = '01970000-0000-7000-8000-000000000001'
export const RELEASE_1 = '01970000-0000-7000-8000-0000000000a1'
export const RELEASE_2 = '01970000-0000-7000-8000-0000000000a2'

export async function insertApp(db: Database, id = APP_ID, slug = 'shop'): Promise<void> {
  await db
    .insertInto('app')
    .values({
      id,
      slug,
      name: slug,
      app_key: `key-of-${slug}`,
      platforms: '["android","ios"]',
      check_access: 'app-key',
      bucketing: 'per-rollout',
      signing: 'optional',
      device_ids: 'as-given',
      event_retention_days: 90,
      device_retention_days: 400,
      archived_retention_days: null,
      guard: '{}',
      trust: '{}',
      device_cohorts: 'ignored',
      device_credentials: 'off',
      created_at: 0,
    })
    .execute()
}

const FLEET_TABLES = [
  'device',
  'device_event',
  'device_failure',
  'rollout_device',
  'rollout_hour',
  'rollout_sample',
  'rollout_network',
  'activity',
  'check_hour',
  'download_hour',
  'fleet_source',
  'event_usage',
  'unkept_hour',
] as const

/** For a database that the tests of a file share. */
export async function forgetFleet(db: Database): Promise<void> {
  for (const table of FLEET_TABLES) await db.deleteFrom(table).execute()
}

/** What the work fails with; taken at once, so that it is never unhandled. */
export function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

export function aNote(changes: Partial<DeviceNote> = {}): DeviceNote {
  return {
    appId: APP_ID,
    deviceId: 'device-1',
    platform: 'android',
    channel: 'production',
    nativeVersion: '1.0.0',
    runtimeVersion: null,
    currentReleaseId: null,
    currentVersion: null,
    cohorts: [],
    decision: 'up-to-date',
    reason: 'nothing-published',
    rolloutId: null,
    isOffer: false,
    at: 1_000,
    ...changes,
  }
}

export function aReport(changes: Partial<DeviceReport> = {}): DeviceReport {
  return { deviceId: 'device-1', kind: 'applied', releaseId: RELEASE_1, version: '1.0.0', ...changes }
}

export function aDeviceRow(changes: Partial<DeviceRow> = {}): DeviceRow {
  return {
    app_id: APP_ID,
    device_id: 'device-1',
    platform: 'android',
    channel: 'production',
    native_version: '1.0.0',
    runtime_version: null,
    attributes: '{}',
    dialect: null,
    current_release_id: null,
    current_version: null,
    cohorts: '[]',
    last_decision: 'up-to-date',
    last_reason: 'nothing-published',
    last_check_at: null,
    rollout_id: null,
    progress: 0,
    first_check_at: null,
    established_at: null,
    network: null,
    credential_at: null,
    first_seen_at: 1_000,
    last_seen_at: 1_000,
    gone_at: null,
    high_water: null,
    device_floor: null,
    trusted_keys: null,
    held_release_id: null,
    embedded_built_at: null,
    ...changes,
  }
}

export function aBatch(changes: Partial<FleetBatch> = {}): FleetBatch {
  const counts = { source: 'source-1', number: 1, checks: [], downloads: [], notKept: [] }
  return { notes: [], reports: [], counts, writtenAt: 1_000, ...changes }
}

/** A writer that remembers, fails when told to, and can be held up in the middle of a write. */
export function createMemoryWriter() {
  const batches: FleetBatch[] = []
  const state: { error: unknown; hold: Promise<void> | undefined; most: number } = {
    error: undefined,
    hold: undefined,
    most: 0,
  }
  let tries = 0
  let running = 0

  const writer: FleetWriter = {
    async write(batch) {
      tries++
      running++
      state.most = Math.max(state.most, running)
      try {
        await state.hold
        if (state.error !== undefined) throw state.error
        batches.push(batch)
      } finally {
        running--
      }
    },
    close: () => Promise.resolve(),
  }

  return { writer, batches, state, tries: () => tries }
}

/** A real writer that refuses while its database is said to be down, and can be held up before it writes. */
export function createFragileWriter(inner: FleetWriter) {
  const state: { isDown: boolean; hold: Promise<void> | undefined } = { isDown: false, hold: undefined }
  const writer: FleetWriter = {
    async write(batch) {
      await state.hold
      if (state.isDown) throw new Error('the database is down')
      await inner.write(batch)
    },
    close: () => inner.close(),
  }
  return { writer, state }
}

export function createRecordingLog() {
  const lines: string[] = []
  const record =
    (level: string) =>
    (...given: unknown[]) => {
      lines.push(`${level}: ${String(given.at(-1))}`)
    }
  return { log: { error: record('error'), warn: record('warn'), info: record('info') } satisfies Log, lines }
}
