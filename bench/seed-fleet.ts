import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { APP, CHANNEL, releaseId, rolloutId } from './seed.ts'

export interface FleetSize {
  devices: number
  /** Of these, the newest are the ones that devices run. */
  releases: number
  rolloutDevices: number
  rolloutHours: number
  activityDays: number
  /** The hour before which everything happened. */
  now: number
}

const HOUR = 3_600_000
const DAY = 24 * HOUR
const RUNNING_RELEASES = 10
const DECISIONS = [
  ['update', 'percentage'],
  ['update', 'cohort'],
  ['up-to-date', 'runs-the-target'],
  ['up-to-date', 'outside-audience'],
  ['up-to-date', 'failed-on-this-device'],
  ['up-to-date', 'paused'],
  ['up-to-date', 'native-out-of-range'],
  ['up-to-date', 'ahead-of-rollout'],
  ['up-to-date', 'nothing-published'],
  ['native-update-required', 'native-too-old'],
] as const

/** Fills a seeded data folder with what a large fleet leaves behind in the days before `now`. */
export function seedFleet(dataDirectory: string, size: FleetSize): void {
  const sqlite = new DatabaseSync(join(dataDirectory, 'hotpatch.db'))
  // Nothing is lost when the machine stops here: it is made again.
  sqlite.exec('pragma synchronous = off; pragma cache_size = -400000; begin')
  fillFleet(sqlite, size)
  sqlite.exec('commit; pragma wal_checkpoint(truncate)')
  sqlite.close()
}

function fillFleet(sqlite: DatabaseSync, size: FleetSize): void {
  const { devices, releases, rolloutDevices, rolloutHours, activityDays, now } = size
  const firstRunning = Math.max(1, releases - RUNNING_RELEASES + 1)
  sqlite.exec('create temp table running (slot integer primary key, release_id text, rollout_id text, version text)')
  const insertName = sqlite.prepare('insert into temp.running values (?, ?, ?, ?)')
  for (let index = firstRunning; index <= releases; index++) {
    insertName.run(index - firstRunning, releaseId(index), rolloutId(index), `1.0.${index}`)
  }
  const running = releases - firstRunning + 1

  // Most were seen in the last days, some have fallen silent; one in thirty is gone.
  sqlite
    .prepare(
      `with recursive number(n) as (select 0 union all select n + 1 from number where n + 1 < $count)
       insert into device (app_id, device_id, platform, channel, native_version, attributes, dialect,
         current_release_id, current_version, cohorts, last_decision, last_reason, last_check_at, rollout_id,
         progress, first_seen_at, last_seen_at, gone_at)
       select $app, format('h_%022d', (n * 7919) % 1000003), iif(n % 10 < 7, 'android', 'ios'),
         iif(n % 10 = 9, 'beta', $channel), '1.4.' || (n % 5), json_object('osVersion', '15.' || (n % 4), 'model',
         'Phone ' || (n % 40), 'locale', iif(n % 3, 'de-DE', 'en-GB'), 'nativeBuild', '' || (n % 100)), 'react-native', running.release_id, running.version, '[]', 'up-to-date', 'runs-the-target',
         $now - (n % 30) * (n % 7) * 3600000, running.rollout_id, 117, $now - (n % 200) * 86400000,
         iif(n % 30 = 29, $now - 40 * 86400000, $now - (n % 30) * (n % 7) * 3600000),
         iif(n % 30 = 29, $now - 10 * 86400000, null)
       from number left join temp.running on running.slot = number.n % ($running + 1)
       where number.n < $count`,
    )
    .run({ $count: devices, $app: APP.id, $channel: CHANNEL, $now: now, $running: running })

  sqlite
    .prepare(
      `with recursive number(n) as (select 0 union all select n + 1 from number where n + 1 < $count)
       insert into rollout_device (device_id, rollout_id, progress, offered_at, attempted_at, changed_at)
       select format('h_%022d', ((n / 2) * 7919) % 1000003),
         format('01900000-0000-7000-8005-%012x', 1 + ((n / 2) * 31 + (n % 2) * 7) % $releases),
         case n % 20 when 0 then 1 when 1 then 3 when 2 then 11 when 3 then 151 else 119 end,
         $now - (n % 700) * 3600000, iif(n % 20 < 3, null, $now - (n % 700) * 3600000), $now - (n % 700) * 3600000
       from number where true on conflict do nothing`,
    )
    .run({ $count: rolloutDevices, $releases: releases, $now: now })

  const insertHour = sqlite.prepare(
    `insert into rollout_hour values ($rollout, $hour, 60, 55, 54, 1, 52, 51, 51, 1, 1, 1, 53, 2, 40, 500000000)`,
  )
  for (let index = 1; index <= releases; index++) {
    for (let hour = 0; hour < rolloutHours; hour++) {
      insertHour.run({ $rollout: rolloutId(index), $hour: now - hour * HOUR })
    }
  }
  fillActivity(sqlite, now, activityDays, firstRunning, releases)

  const insertCheck = sqlite.prepare('insert into check_hour values (?, ?, ?, ?, ?, ?, ?)')
  const insertDownload = sqlite.prepare(
    'insert into download_hour select sha256, release_id, ?, 50, 50 * size_bytes from release_file where release_id = ?',
  )
  for (let hour = 0; hour < activityDays * 24; hour++) {
    const at = now - hour * HOUR
    for (const [platform, channel] of PLACES) {
      for (const [decision, reason] of DECISIONS) insertCheck.run(APP.id, at, platform, channel, decision, reason, 1000)
    }
    for (let index = firstRunning; index <= releases; index++) insertDownload.run(at, releaseId(index))
  }
}

const PLACES = [
  ['android', CHANNEL],
  ['ios', CHANNEL],
  ['ios', 'beta'],
] as const

function fillActivity(sqlite: DatabaseSync, now: number, days: number, firstRunning: number, releases: number): void {
  const insert = sqlite.prepare('insert or ignore into activity values (?, ?, ?, ?, ?, ?, ?)')
  const fill = (period: string, startsAt: number, devices: number) => {
    for (const [platform, channel] of PLACES) {
      for (let index = firstRunning - 1; index <= releases; index++) {
        const version = index < firstRunning ? '' : `1.0.${index}`
        insert.run(APP.id, period, startsAt, platform, channel, version, devices)
      }
    }
  }
  for (let hour = 0; hour < days * 24; hour++) fill('hour', now - hour * HOUR, 1_000)
  for (let day = 0; day < days; day++) {
    const startsAt = now - day * DAY
    fill('day', startsAt, 15_000)
    const sinceMonday = (new Date(startsAt).getUTCDay() + 6) % 7
    fill('week', startsAt - sinceMonday * DAY, 25_000)
    fill('month', startsAt - (new Date(startsAt).getUTCDate() - 1) * DAY, 30_000)
  }
}
