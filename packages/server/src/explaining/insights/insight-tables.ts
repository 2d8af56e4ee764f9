import type {
  ActiveDevices,
  Adoption,
  Checks,
  Downloads,
  ExperimentResults,
  Overview,
  Rate,
  Reasons,
  ReleaseHealth,
  RolloutHealth,
  VersionDistribution,
} from '@hotpatch/api'
import { REFUSAL_REASONS } from '@hotpatch/protocol'
import type { CsvTable, CsvValue } from './csv.ts'

/** Each insight as one table: what is said of the whole is left to JSON, where it comes with a series. */

export function overviewTable(overview: Overview): CsvTable {
  const { active, checks, downloads } = overview
  return {
    columns: [
      'at',
      'active_last_day_devices',
      'active_last_week_devices',
      'active_last_month_devices',
      'known_devices',
      'gone_devices',
      'new_devices',
      'checks',
      'checks_per_minute',
      'downloads',
      'sent_bytes',
      'events_not_kept',
      'dropped_since_start',
    ],
    rows: [
      [
        overview.at,
        active.day.devices,
        active.week.devices,
        active.month.devices,
        overview.known,
        overview.gone,
        overview.new,
        checks.total,
        checks.perMinute,
        downloads.count,
        downloads.sentBytes,
        overview.eventsNotKept,
        overview.droppedSinceStart,
      ],
    ],
  }
}

export function activeTable({ points }: ActiveDevices): CsvTable {
  return { columns: ['at', 'active_devices'], rows: points.map(({ at, devices }) => [at, devices]) }
}

/** A row for each version in each bucket; that of embedded has no name. */
export function versionsTable({ versions, points }: VersionDistribution): CsvTable {
  return {
    columns: ['at', 'version', 'active_devices'],
    rows: points.flatMap(({ at, devices }) => versions.map((version, index) => [at, version, devices[index] ?? 0])),
  }
}

export function checksTable({ points }: Checks): CsvTable {
  return {
    columns: ['at', 'checks', 'checks_per_minute'],
    rows: points.map(({ at, checks, perMinute }) => [at, checks, perMinute]),
  }
}

export function reasonsTable({ reasons }: Reasons): CsvTable {
  return {
    columns: ['decision', 'reason', 'checks', 'share_fraction', 'explanation'],
    rows: reasons.map(({ decision, reason, checks, share, explanation }) => [
      decision,
      reason,
      checks,
      share,
      explanation,
    ]),
  }
}

export function downloadsTable({ points }: Downloads): CsvTable {
  return {
    columns: ['at', 'downloads', 'sent_bytes', 'told_bytes', 'full_bytes', 'saved_by_patches_bytes'],
    rows: points.map(({ at, downloads, sentBytes, toldBytes, fullBytes, patchSavedBytes }) => [
      at,
      downloads,
      sentBytes,
      toldBytes,
      fullBytes,
      patchSavedBytes,
    ]),
  }
}

/** Whom it is for now stands in the row of now, as what runs it now does. */
export function adoptionTable({ points, takers }: Adoption): CsvTable {
  const present = presentCells(takers)
  const past = present.map(() => null)
  return {
    columns: [
      'at',
      'began_devices',
      'ever_ran_devices',
      'ever_ran_fraction',
      'running_now_devices',
      ...PRESENT_COLUMNS,
    ],
    rows: points.map(({ at, began, everRan, share, running }) => [
      at,
      began,
      everRan,
      share,
      running,
      ...(running === null ? past : present),
    ]),
  }
}

/** In the last three columns all until then. */
export function rolloutHealthTable({ points }: RolloutHealth): CsvTable {
  const total = ['attempted', 'bad', 'bad_fraction'].map((name) => `${name}_until_then`)
  return {
    columns: ['at', 'attempted_devices', 'bad_devices', 'failed', 'rolled_back', 'crashed', ...total],
    rows: points.map(({ at, attempted, bad, failed, rolledBack, crashed, untilThen }) => [
      at,
      attempted,
      bad.devices,
      failed,
      rolledBack,
      crashed,
      untilThen.attempted,
      untilThen.bad.devices,
      untilThen.bad.share,
    ]),
  }
}

const PRESENT_COLUMNS = [
  'audience_now_devices',
  'can_take_now_devices',
  ...REFUSAL_REASONS.map((reason) => `${reason.replaceAll('-', '_')}_now_devices`),
  'need_other_binary_now_devices',
  'judged_now_devices',
]

function presentCells(takers: Adoption['takers']): CsvValue[] {
  if (!takers) return PRESENT_COLUMNS.map(() => null)
  const { audience, canTake, refuse, needOtherBinary, judged } = takers
  const refusing = new Map(refuse.map(({ reason, devices }) => [reason, devices]))
  const otherBinary = needOtherBinary.reduce((sum, { devices }) => sum + devices, 0)
  return [audience, canTake, ...REFUSAL_REASONS.map((reason) => refusing.get(reason) ?? 0), otherBinary, judged]
}

const RATES = ['succeeded', 'bad', 'failed', 'rolledBack', 'crashed'] as const
const RATE_COLUMNS = RATES.flatMap((name) => {
  const column = name === 'rolledBack' ? 'rolled_back' : name
  return [`${column}_devices`, `${column}_fraction`, `${column}_low_fraction`, `${column}_high_fraction`]
})

function rateCells(figures: Record<(typeof RATES)[number], Rate>): CsvValue[] {
  return RATES.flatMap((name) => {
    const { devices, share, low, high } = figures[name]
    return [devices, share, low, high]
  })
}

/** A row for each rollout. */
export function healthTable({ releases }: ReleaseHealth): CsvTable {
  return {
    columns: ['release_id', 'version', 'platform', 'channel', 'rollout_id', 'attempted_devices', ...RATE_COLUMNS],
    rows: releases.flatMap(({ rollouts }) =>
      rollouts.map((rollout) => {
        const { releaseId, version, platform, channel, rolloutId, attempted } = rollout
        return [releaseId, version, platform, channel, rolloutId, attempted, ...rateCells(rollout)]
      }),
    ),
  }
}

export function experimentTable({ arms }: ExperimentResults): CsvTable {
  const reach = ['offered', 'downloaded', 'applied', 'confirmed', 'everRan', 'running', 'stuck'] as const
  const names = reach.map((name) => (name === 'everRan' ? 'ever_ran' : name))
  const columns = ['arm', 'rollout_id', 'version', ...names.map((name) => `${name}_devices`), 'attempted_devices']
  return {
    columns: [...columns, ...RATE_COLUMNS],
    rows: arms.map((arm) => [
      arm.arm,
      arm.rolloutId,
      arm.version,
      ...reach.map((name) => arm[name]),
      arm.attempted,
      ...rateCells(arm),
    ]),
  }
}
