import { createHash } from 'node:crypto'
import { DAY_MS } from '../../ground/clock.ts'
import type { Database, Schema } from '../../ground/database/schema.ts'
import { deleteDevices, deleteSomeEvents, lockDevices } from '../devices/forget-devices.ts'
import * as store from './retention-store.ts'

/** A device that was not seen for so long counts as uninstalled. */
const GONE_AFTER_MS = 30 * DAY_MS
/** A server that was not heard of for so long does not send a batch again. */
const SOURCE_AGE_MS = 7 * DAY_MS
/** Longer than the longest window of a guard, 30 days. */
const NETWORK_AGE_MS = 35 * DAY_MS
/** What was looked at in the sweep before is looked at again, as far as clocks may be apart. */
const OVERLAP_MS = DAY_MS

export const SWEEP_LIMITS = {
  /** Rows that one statement changes: on SQLite, other writers wait for it. */
  rows: 500,
  /** Devices that one transaction forgets, each with its failures, progress and memberships. */
  forgottenAtOnce: 50,
  /** Rows of progress that one sweep looks at; the next goes on behind them. */
  progressRows: 250_000,
  /** Between statements, in which everybody else gets a turn. */
  pauseMs: 20,
}

/** What a sweep needs to know. */
export interface SweepRequest {
  now: number
  /** Up to when each app's devices were looked through by the sweep before. */
  goneUntil: Readonly<Record<string, number>>
  limits: typeof SWEEP_LIMITS
}

export interface Swept {
  deleted: { events: number; progress: number; gone: number; forgotten: number }
  /** Whether any cohort lost a device. */
  changedCohorts: boolean
  goneUntil: Record<string, number>
}

/**
 * One sweep. Several servers may run theirs at once: each does what the others have left.
 * @param isStopped asked before each statement
 */
export async function sweep(
  db: Database,
  { now, goneUntil, limits }: SweepRequest,
  { pause, isStopped }: { pause: (delayMs: number) => Promise<void>; isStopped: () => boolean },
): Promise<Swept> {
  const deleted = { events: 0, progress: 0, gone: 0, forgotten: 0 }
  const swept: Swept = { deleted, changedCohorts: false, goneUntil: { ...goneUntil } }

  async function sweepApp(app: Awaited<ReturnType<typeof store.listRetentions>>[number]): Promise<void> {
    const eventCutoff = now - app.event_retention_days * DAY_MS
    const deviceCutoff = now - app.device_retention_days * DAY_MS
    deleted.events += await repeat((limit) => store.deleteEventsBefore(db, app.id, eventCutoff, limit), limits.rows)
    deleted.forgotten += await repeat((limit) => forgetUnseen(app.id, deviceCutoff, limit), limits.forgottenAtOnce)
    await markGone(app.id, deviceCutoff)
  }

  async function forgetUnseen(appId: string, seenBefore: number, limit: number): Promise<number> {
    const unseen = await store.listUnseen(db, appId, { lastSeenAt: 0, deviceId: '' }, seenBefore, limit)
    const ids = unseen.map((device) => device.device_id)
    await repeat((limit) => deleteSomeEvents(db, appId, ids, limit), limits.rows)
    const wereMembers = await db.transaction().execute(async (tx) => {
      // One that has shown itself since stays.
      const locked = await lockDevices(tx, appId, ids, seenBefore)
      const lockedIds = locked.map((device) => device.device_id)
      return deleteDevices(tx, appId, lockedIds)
    })
    swept.changedCohorts ||= wereMembers
    return ids.length
  }

  async function markGone(appId: string, since: number): Promise<void> {
    const seenBefore = now - GONE_AFTER_MS
    let after = { lastSeenAt: Math.max(goneUntil[appId] ?? 0, since) - OVERLAP_MS, deviceId: '' }
    await repeat(async (limit) => {
      const unseen = await store.listUnseen(db, appId, after, seenBefore, limit)
      const last = unseen.at(-1)
      if (last) after = { lastSeenAt: last.last_seen_at, deviceId: last.device_id }
      const ids = unseen.filter((device) => device.gone_at === null).map((device) => device.device_id)
      if (ids.length > 0) deleted.gone += await markTheseGone(appId, ids, seenBefore)
      return unseen.length
    }, limits.rows)
    if (!isStopped()) swept.goneUntil[appId] = seenBefore
  }

  function markTheseGone(appId: string, ids: readonly string[], seenBefore: number): Promise<number> {
    return db.transaction().execute(async (tx) => {
      const locked = (await lockDevices(tx, appId, ids, seenBefore)).filter((device) => device.gone_at === null)
      if (locked.length === 0) return 0
      const lockedIds = locked.map((device) => device.device_id)
      await store.setGone(tx, appId, lockedIds, GONE_AFTER_MS)
      const events = locked.map((device) => goneEvent(device, now))
      await store.insertEvents(tx, events)
      return locked.length
    })
  }

  async function deleteProgress(): Promise<void> {
    let after = await store.readCursor(db)
    for (let looked = 0; looked < limits.progressRows && !isStopped(); looked += limits.rows) {
      const until = await store.findProgressAhead(db, after, limits.rows)
      deleted.progress += await store.deleteOldProgress(db, after, until, now)
      after = until ?? { deviceId: '', rolloutId: '' }
      if (!until) break
      await pause(limits.pauseMs)
    }
    await store.writeCursor(db, after)
  }

  /** Until less than asked for was done. @returns how much was */
  async function repeat(work: (limit: number) => Promise<number>, limit: number): Promise<number> {
    let total = 0
    while (!isStopped()) {
      const done = await work(limit)
      total += done
      if (done < limit) break
      await pause(limits.pauseMs)
    }
    return total
  }

  for (const app of await store.listRetentions(db)) await sweepApp(app)
  await deleteProgress()
  await store.deleteSourcesBefore(db, now - SOURCE_AGE_MS)
  await store.deleteNetworksBefore(db, now - NETWORK_AGE_MS)
  return swept
}

/** Has the same id whoever concludes it. */
function goneEvent(device: Schema['device'], now: number): Schema['device_event'] {
  const { app_id, device_id, last_seen_at, current_release_id, current_version, rollout_id } = device
  const goneAt = last_seen_at + GONE_AFTER_MS
  const identity = JSON.stringify([device_id, 'uninstalled-unknown', goneAt])
  return {
    id: createHash('sha256').update(identity).digest('hex').slice(0, 32),
    app_id,
    device_id,
    kind: 'uninstalled-unknown',
    release_id: current_release_id,
    version: current_version,
    code: null,
    detail: null,
    rollout_id,
    received_bytes: null,
    arrival: null,
    component: null,
    occurred_at: Math.min(goneAt, now),
    received_at: now,
  }
}
