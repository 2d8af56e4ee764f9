import { join } from 'node:path'
import { openDatabase, type Schema } from '@hotpatch/server/testing'
import type { App } from '@hotpatch/api'
import type { Console } from './open-console.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const AT_ONCE = 500

/** A release with its rollout, as `published` answers. */
export interface WrittenRelease {
  releaseId: string
  rolloutId: string
  version: string
  platform: 'android' | 'ios'
  /** How many days ago it came, and which share of the devices has it now. */
  daysAgo: number
  share: number
  /** Of those that tried it. */
  badShare: number
}

const MODELS = {
  android: ['Pixel 9', 'SM-S921B', 'SM-A556B', 'Redmi Note 13'],
  ios: ['iPhone17,3', 'iPhone16,1', 'iPhone14,5'],
}

/**
 * What a fleet leaves behind in weeks, row by row, as nobody has to produce it: devices, and the figures of each hour.
 * @param options.idOf of the device with this number, as the database has it
 */
export async function writeFleet(
  { server }: Pick<Console, 'server'>,
  app: App,
  {
    devices,
    releases = [],
    idOf,
    days = 14,
  }: {
    devices: number
    releases?: readonly WrittenRelease[]
    idOf: (number: number) => string
    days?: number
  },
): Promise<void> {
  const db = openDatabase({ kind: 'sqlite', path: join(server.directory, 'hotpatch.db') })
  const now = Date.now()
  await db.transaction().execute(async (tx) => {
    for (let first = 0; first < devices; first += AT_ONCE) {
      const count = Math.min(AT_ONCE, devices - first)
      const rows = Array.from({ length: count }, (_, index) =>
        aDevice(app, releases, { idOf, days, now }, first + index),
      )
      await tx.insertInto('device').values(rows).execute()
    }
    for (const release of releases) {
      const { hours, failures } = historyOf(release, devices, { idOf, days, now })
      const created_at = now - release.daysAgo * DAY_MS
      await tx.updateTable('rollout').set({ created_at }).where('id', '=', release.rolloutId).execute()
      await tx.updateTable('release').set({ created_at }).where('id', '=', release.releaseId).execute()
      if (hours.length > 0) await tx.insertInto('rollout_hour').values(hours).execute()
      for (const failure of failures) {
        await tx
          .insertInto('device_failure')
          .values({ app_id: app.id, ...failure })
          .execute()
      }
    }
    for (const rows of chunked(activityOf(app, releases, devices, { days, now }))) {
      await tx.insertInto('activity').values(rows).execute()
    }
    for (const rows of chunked(checksOf(app, devices, { days, now }))) {
      await tx.insertInto('check_hour').values(rows).execute()
    }
  })
  await db.destroy()
}

interface Times {
  days: number
  now: number
}

/** The same for the same number. */
function draw(number: number, of: number): number {
  return ((number * 2_654_435_761) >>> 8) % of
}

function platformOf(number: number): 'android' | 'ios' {
  return draw(number, 10) < 6 ? 'android' : 'ios'
}

function aDevice(
  app: App,
  releases: readonly WrittenRelease[],
  { idOf, days, now }: Times & { idOf: (number: number) => string },
  number: number,
): Schema['device'] {
  const platform = platformOf(number)
  const runs = releases.find((release) => release.platform === platform && draw(number, 1_000) < release.share * 1_000)
  const isGone = number % 5_000 === 4_999
  const seen = now - draw(number + 7, days * DAY_MS)
  const models = MODELS[platform]
  return {
    app_id: app.id,
    device_id: idOf(number),
    platform,
    channel: draw(number, 40) === 0 ? 'beta' : 'production',
    native_version: draw(number, 4) === 0 ? '2.0.0' : '2.1.0',
    runtime_version: null,
    current_release_id: runs?.releaseId ?? null,
    current_version: runs?.version ?? null,
    cohorts: '[]',
    last_decision: 'up-to-date',
    last_reason: runs ? 'runs-the-target' : 'outside-audience',
    first_seen_at: now - days * DAY_MS,
    last_seen_at: isGone ? now - 500 * DAY_MS : seen,
    rollout_id: runs?.rolloutId ?? null,
    last_check_at: seen,
    gone_at: isGone ? now - DAY_MS : null,
    progress: 0,
    high_water: null,
    device_floor: null,
    trusted_keys: null,
    held_release_id: null,
    first_check_at: now - days * DAY_MS,
    established_at: null,
    credential_at: null,
    network: null,
    embedded_built_at: null,
    attributes: JSON.stringify({ model: models[draw(number, models.length)], osVersion: '16', locale: 'en-GB' }),
    dialect: 'react-native',
  }
}

/** Most take a release in the first day. */
function historyOf(
  { releaseId, rolloutId, platform, daysAgo, share, badShare }: WrittenRelease,
  devices: number,
  { idOf, now }: Times & { idOf: (number: number) => string },
) {
  const all = Array.from({ length: devices }, (_, number) => number).filter((number) => platformOf(number) === platform)
  const reached = Math.round(all.length * share)
  const hours: Record<string, unknown>[] = []
  let before = 0
  for (let hour = 0; hour <= daysAgo * 24; hour += 1) {
    const until = Math.round(reached * (1 - Math.exp(-hour / 14)))
    const came = until - before
    if (came === 0) continue
    const bad = Math.round(until * badShare) - Math.round(before * badShare)
    const start = now - daysAgo * DAY_MS + hour * HOUR_MS
    const fine = came - bad
    hours.push({
      rollout_id: rolloutId,
      hour_at: start - (start % HOUR_MS),
      offered: came,
      downloaded: came,
      applied: came,
      confirmed: fine,
      running: fine,
      crashed: bad,
      attempted: came,
      attempted_bad: bad,
      told_downloads: came,
      received_bytes: came * 90,
      told_patched: Math.round(came * 0.7),
      patched_bytes: Math.round(came * 0.7) * 20,
    })
    before = until
  }
  const failures = all
    .slice(0, Math.round(reached * badShare))
    .map((number) => ({ device_id: idOf(number), release_id: releaseId, failed_at: now }))
  return { hours: hours as unknown as Schema['rollout_hour'][], failures }
}

function activityOf(app: App, releases: readonly WrittenRelease[], devices: number, { days, now }: Times) {
  const rows: Schema['activity'][] = []
  for (let day = 0; day <= days; day += 1) {
    const at = now - day * DAY_MS
    const starts_at = at - (at % DAY_MS)
    for (const platform of ['android', 'ios'] as const) {
      const all = devices * (platform === 'android' ? 0.6 : 0.4) * (0.55 + ((day * 7) % 5) / 100)
      let left = 1
      for (const { version, daysAgo, share } of releases.filter((each) => each.platform === platform)) {
        const age = daysAgo - day
        const part = age < 0 ? 0 : Math.min(left, share * (1 - Math.exp((-age - 0.5) / 0.6)))
        left -= part
        rows.push(activity(app, { starts_at, platform, version, devices: Math.round(all * part) }))
      }
      rows.push(activity(app, { starts_at, platform, version: '', devices: Math.round(all * left) }))
    }
  }
  return rows.filter((row) => row.devices > 0)
}

function activity(
  app: App,
  row: Pick<Schema['activity'], 'starts_at' | 'platform' | 'version' | 'devices'>,
): Schema['activity'] {
  return { app_id: app.id, period: 'day', channel: 'production', ...row }
}

const REASONS = [
  ['up-to-date', 'runs-the-target', 0.72],
  ['up-to-date', 'outside-audience', 0.14],
  ['up-to-date', 'paused', 0.05],
  ['native-update-required', 'native-too-old', 0.03],
  ['up-to-date', 'failed-on-this-device', 0.01],
  ['update', 'percentage', 0.05],
] as const

function checksOf(app: App, devices: number, { days, now }: Times): Schema['check_hour'][] {
  return Array.from({ length: days * 24 }, (_, hour) => hour).flatMap((hour) => {
    const at = now - hour * HOUR_MS
    const checks = (devices / 6) * (0.6 + 0.4 * Math.sin((at / HOUR_MS / 24) * 2 * Math.PI))
    return REASONS.map(([decision, reason, share]) => ({
      app_id: app.id,
      hour_at: at - (at % HOUR_MS),
      platform: 'android',
      channel: 'production',
      decision,
      reason,
      checks: Math.round(checks * share),
    }))
  })
}

function* chunked<Row>(rows: readonly Row[]): Generator<Row[]> {
  for (let first = 0; first < rows.length; first += AT_ONCE) yield rows.slice(first, first + AT_ONCE)
}
