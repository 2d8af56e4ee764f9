import { HOUR_MS } from '../../../ground/clock.ts'
import type { Schema } from '../../../ground/database/schema.ts'
import { eventIdOf } from '../device-report.ts'
import type { Fact } from './fleet-batch.ts'
import { deviceKey } from '../fleet-buffer.ts'
import { concludeSamples, type RolloutNetworkRow, type RolloutSampleRow } from './conclude-samples.ts'
import { mergeAttributes } from '../stored-attributes.ts'
import { UNTOLD, type DeviceEventRow, type DeviceRow } from '../fleet-store.ts'
import { periodsBetween } from './periods.ts'
import { ATTEMPTED, BAD, PROGRESS } from '../../progress/rollout-progress.ts'

export type RolloutDeviceRow = Schema['rollout_device']
export type RolloutHourRow = Schema['rollout_hour']
export type ActivityRow = Schema['activity']

/** What a batch changes: rows to write, and what to add to counters. */
export interface Conclusions {
  /** Those that are new, or of which something changed that devices are looked up by. */
  moved: DeviceRow[]
  /** Those that showed themselves again. */
  seen: DeviceRow[]
  progress: RolloutDeviceRow[]
  /** Those that no device reports: `native-updated`. That something was offered stands in `progress`. */
  events: DeviceEventRow[]
  hours: RolloutHourRow[]
  samples: RolloutSampleRow[]
  networks: RolloutNetworkRow[]
  activity: ActivityRow[]
}

/** The rows as they are before the batch. */
export interface KnownRows {
  /** By `deviceKey`. */
  devices: ReadonlyMap<string, DeviceRow>
  /** By `progressKey`: those of all facts that `tellsProgress` says of. */
  progress: ReadonlyMap<string, RolloutDeviceRow>
  /** By `deviceKey`, of devices that the batch may establish: rows, also in `progress`, that nobody believed yet. */
  waiting: ReadonlyMap<string, readonly RolloutDeviceRow[]>
  /** How many devices of a network are in a sample, by `networkKey`. */
  networks: ReadonlyMap<string, number>
}

export function progressKey(deviceId: string, rolloutId: string): string {
  return `${rolloutId}\n${deviceId}`
}

/** Whether the fact may bring the device further with a rollout: what its row says already need not be looked up. */
export function tellsProgress({ rolloutId, bit }: Fact, known: DeviceRow | undefined): boolean {
  if (rolloutId === null || bit === 0) return false
  return known?.rollout_id !== rolloutId || (known.progress & bit) === 0
}

/** Whether the fact may be the check by which the device counts as seen over time. */
export function mayEstablish({ tells, told, observedMs }: Fact, known: DeviceRow | undefined): boolean {
  if (tells !== 'everything' || !known || known.established_at !== null || known.first_check_at === null) return false
  return told.last_seen_at - known.first_check_at >= observedMs
}

/**
 * What facts change. All is concluded from the rows before: facts that were written already change nothing.
 * @param facts in lock order
 */
export function conclude(facts: readonly Fact[], known: KnownRows): Conclusions {
  const devices = new Map<string, DeviceRow>()
  const progress = new Map<string, RolloutDeviceRow>()
  const advanced = new Set<RolloutDeviceRow>()
  const progressOfDevice = new Map<string, RolloutDeviceRow[]>()
  const events: DeviceEventRow[] = []
  const hours = new Map<string, RolloutHourRow>()
  const activity = new Map<string, ActivityRow>()
  const sampling = concludeSamples(known.networks)

  for (const fact of facts) {
    const { app_id, device_id } = fact.told
    const key = deviceKey(app_id, device_id)
    const before = devices.get(key) ?? known.devices.get(key)
    const after = mergeDevice(before, fact)
    devices.set(key, after)
    if (isNews(before, fact)) {
      countSighting(before, after)
      if (before) noteNativeUpdate(before, after)
    }
    if (fact.rolloutId !== null && fact.unprovenBit) {
      sampling.countUnproven(fact.rolloutId, fact.unprovenBit, fact.told.last_seen_at)
    }
    if (fact.rolloutId !== null) advance(fact.rolloutId, fact, known.devices.get(key), after)
    if (after.established_at !== null && before?.established_at === null) settleWaiting(key, after)
  }

  /** A device counts once in each hour, day, week and month, by what it ran when it first showed itself there. */
  function countSighting(before: DeviceRow | undefined, after: DeviceRow): void {
    for (const { period, startsAt } of periodsBetween(before?.last_seen_at, after.last_seen_at)) {
      const { app_id, platform, channel, current_version } = after
      const version = current_version ?? ''
      const key = [app_id, period, startsAt, platform, channel, version].join('\n')
      const row = activity.get(key)
      if (row) row.devices++
      else activity.set(key, { app_id, period, starts_at: startsAt, platform, channel, version, devices: 1 })
    }
  }

  function noteNativeUpdate(before: DeviceRow, { app_id, device_id, native_version: to, last_seen_at: at }: DeviceRow) {
    const { native_version: from } = before
    if (from === null || to === null || from === to) return
    events.push({
      id: eventIdOf([device_id, 'native-updated', from, to, at]),
      app_id,
      device_id,
      kind: 'native-updated',
      release_id: null,
      version: null,
      code: null,
      detail: `${from} → ${to}`,
      rollout_id: null,
      received_bytes: null,
      arrival: null,
      component: null,
      occurred_at: at,
      received_at: at,
    })
  }

  function countBytes(rolloutId: string, { bit, countsAt, receivedBytes, arrival, isPatchFailure }: Fact): void {
    if (isPatchFailure) hourOf(rolloutId, countsAt).patch_failed++
    if (receivedBytes === 0) return
    const hour = hourOf(rolloutId, countsAt)
    hour.received_bytes += receivedBytes
    if (bit !== PROGRESS.downloaded) return
    hour.told_downloads++
    if (arrival === 'patch') {
      hour.told_patched++
      hour.patched_bytes += receivedBytes
    } else if (arrival === 'packed') {
      hour.told_packed++
      hour.packed_bytes += receivedBytes
    }
  }

  function advance(rolloutId: string, fact: Fact, stored: DeviceRow | undefined, device: DeviceRow): void {
    const { bit, countsAt } = fact
    countBytes(rolloutId, fact)
    if (bit === 0) return
    const row = progressOf(rolloutId, device, stored)
    if ((row.progress & bit) === 0) {
      const before = row.progress
      if (wasKnown(fact, device)) row.is_known = 1
      countProgress(row, bit, countsAt)
      row.changed_at = device.last_seen_at
      advanced.add(row)
      sampling.settle(row, before, device, fact.told.last_seen_at)
    }
    // A check says which rollout the device is with; a report only when no check did.
    if (fact.tells === 'everything' && fact.told.last_seen_at >= device.last_seen_at) device.rollout_id = rolloutId
    device.rollout_id ??= rolloutId
    if (device.rollout_id === rolloutId) device.progress = row.progress
  }

  /** It is believed from now on, also for what it did before. */
  function settleWaiting(key: string, device: DeviceRow): void {
    for (const { rollout_id } of known.waiting.get(key) ?? []) progressOf(rollout_id, device, undefined)
    for (const row of progressOfDevice.get(key) ?? []) {
      if (row.standing === null) continue
      if (sampling.settle(row, row.progress, device, device.established_at ?? 0)) advanced.add(row)
    }
  }

  function progressOf(
    rolloutId: string,
    { app_id, device_id }: DeviceRow,
    stored: DeviceRow | undefined,
  ): RolloutDeviceRow {
    const key = progressKey(device_id, rolloutId)
    let row = progress.get(key)
    if (!row) {
      const found = known.progress.get(key)
      const seen = stored?.rollout_id === rolloutId ? stored.progress : 0
      row = found ? { ...found } : noProgress(device_id, rolloutId, seen)
      progress.set(key, row)
      const owner = deviceKey(app_id, device_id)
      const others = progressOfDevice.get(owner)
      if (others) others.push(row)
      else progressOfDevice.set(owner, [row])
    }
    return row
  }

  /** `attempted_bad` counts in the hour of the attempt, so that it can be divided by those who attempted then. */
  function countProgress(row: RolloutDeviceRow, bit: number, at: number): void {
    const before = row.progress
    row.progress |= bit
    hourOf(row.rollout_id, at)[counterOf(bit)]++
    if (bit === PROGRESS.offered) row.offered_at = at
    if ((bit & ATTEMPTED) === 0) return
    if (row.attempted_at === null) {
      row.attempted_at = at
      hourOf(row.rollout_id, at).attempted++
    }
    if ((bit & BAD) !== 0 && (before & BAD) === 0) hourOf(row.rollout_id, row.attempted_at).attempted_bad++
  }

  function hourOf(rolloutId: string, at: number): RolloutHourRow {
    const hourAt = at - (at % HOUR_MS)
    const key = `${rolloutId}\n${hourAt}`
    let row = hours.get(key)
    if (!row) hours.set(key, (row = emptyHour(rolloutId, hourAt)))
    return row
  }

  const all = Map.groupBy(devices.values(), (device) =>
    hasMoved(known.devices.get(deviceKey(device.app_id, device.device_id)), device),
  )
  return {
    moved: all.get(true) ?? [],
    seen: all.get(false) ?? [],
    progress: [...advanced],
    events,
    hours: [...hours.values()],
    ...sampling.rows(),
    activity: [...activity.values()],
  }
}

/** What the indexes of devices are about, without the time; and what changes as rarely. */
function hasMoved(before: DeviceRow | undefined, after: DeviceRow): boolean {
  return (
    before?.platform !== after.platform ||
    before.channel !== after.channel ||
    before.current_release_id !== after.current_release_id ||
    before.gone_at !== after.gone_at ||
    !hasSameTrust(before, after)
  )
}

function hasSameTrust(before: DeviceRow, after: DeviceRow): boolean {
  return (
    before.high_water === after.high_water &&
    before.device_floor === after.device_floor &&
    before.trusted_keys === after.trusted_keys &&
    before.held_release_id === after.held_release_id &&
    before.embedded_built_at === after.embedded_built_at
  )
}

/** What is older than what the row holds changes nothing in it. */
function isNews(before: DeviceRow | undefined, { told }: Fact): boolean {
  return !before || told.last_seen_at >= before.last_seen_at
}

/** A check before the rollout began: nobody could know then what to invent a device for. */
function wasKnown({ startedAt }: Fact, { first_check_at }: DeviceRow): boolean {
  return startedAt !== null && first_check_at !== null && first_check_at < startedAt
}

/** Set once: what is written again finds it set. */
function firstChecks(before: DeviceRow | undefined, { told, tells, observedMs }: Fact) {
  const isCheck = tells === 'everything'
  const first_check_at = before?.first_check_at ?? (isCheck ? told.last_seen_at : null)
  const isSeenOverTime = isCheck && told.last_seen_at - (first_check_at ?? 0) >= observedMs
  return { first_check_at, established_at: before?.established_at ?? (isSeenOverTime ? told.last_seen_at : null) }
}

/** Named one by one: copying a row of a database by its names takes as long as all the rest. */
function mergeDevice(before: DeviceRow | undefined, fact: Fact): DeviceRow {
  const { told, tells } = fact
  if (!before) return { ...told, ...firstChecks(before, fact) }
  if (!isNews(before, fact)) return { ...before, ...firstChecks(before, fact) }
  const isCheck = tells === 'everything'
  // Reports wait on the device: what it had applied by its last check, that check knew already.
  const isPast = tells === 'what-runs' && fact.countsAt < (before.last_check_at ?? 0)
  const current = tells === 'little' || isPast ? before : told
  const checked = isCheck ? told : before
  // Told together: of a client that does not tell, what the device told before stands.
  const trusting = told.high_water === null ? before : told
  return {
    app_id: before.app_id,
    device_id: before.device_id,
    platform: told.platform === UNTOLD.platform && !isCheck ? before.platform : told.platform,
    channel: told.channel === UNTOLD.channel && !isCheck ? before.channel : told.channel,
    native_version: told.native_version ?? before.native_version,
    runtime_version: told.runtime_version ?? before.runtime_version,
    attributes: mergeAttributes(told.attributes, before.attributes),
    // By which clients report is the same for many: by what they check says what they take.
    dialect: checked.dialect ?? before.dialect ?? told.dialect,
    current_release_id: current.current_release_id,
    current_version: current.current_version,
    cohorts: checked.cohorts,
    last_decision: checked.last_decision,
    last_reason: checked.last_reason,
    last_check_at: checked.last_check_at,
    rollout_id: before.rollout_id,
    progress: before.progress,
    ...firstChecks(before, fact),
    network: checked.network,
    credential_at: before.credential_at,
    first_seen_at: before.first_seen_at,
    last_seen_at: told.last_seen_at,
    gone_at: null,
    high_water: trusting.high_water,
    device_floor: trusting.device_floor,
    trusted_keys: trusting.trusted_keys,
    held_release_id: trusting.held_release_id,
    embedded_built_at: trusting.embedded_built_at,
  }
}

function noProgress(device_id: string, rollout_id: string, progress: number): RolloutDeviceRow {
  return {
    device_id,
    rollout_id,
    progress,
    offered_at: null,
    attempted_at: null,
    changed_at: 0,
    is_known: 0,
    standing: null,
    standing_at: null,
    network: null,
  }
}

const COUNTERS = new Map(Object.entries(PROGRESS).map(([counter, bit]) => [bit as number, counter]))

function counterOf(bit: number): keyof typeof PROGRESS {
  return COUNTERS.get(bit) as keyof typeof PROGRESS
}

function emptyHour(rollout_id: string, hour_at: number): RolloutHourRow {
  return {
    rollout_id,
    hour_at,
    offered: 0,
    download_started: 0,
    downloaded: 0,
    download_failed: 0,
    applied: 0,
    confirmed: 0,
    running: 0,
    failed: 0,
    rolled_back: 0,
    crashed: 0,
    attempted: 0,
    attempted_bad: 0,
    told_downloads: 0,
    received_bytes: 0,
    told_patched: 0,
    patched_bytes: 0,
    told_packed: 0,
    packed_bytes: 0,
    patch_failed: 0,
  }
}
