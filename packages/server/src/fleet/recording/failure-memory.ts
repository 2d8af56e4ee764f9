import type { Clock } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { deviceKey } from './fleet-buffer.ts'
import { listFailuresSince } from './fleet-store.ts'

/** How far the clocks of servers may be apart, and how long a transaction may take, before a failure is missed. */
const OVERLAP_MS = 120_000
/** A device on which more failed is offered the oldest of them again. */
const MAX_PER_DEVICE = 50
const MAX_SHARED_LISTS = 1_000
const NONE: readonly string[] = []

/**
 * Which releases failed on which devices (D4), for clients that do not say so themselves. In memory, because the check
 * awaits nothing, and bounded: devices that nobody had seen before go first, then the others, each time the one whose
 * last failure is the oldest.
 */
export function createFailureMemory({
  db,
  clock,
  maxDevices,
  isKnown,
}: {
  db: Database
  clock: Clock
  maxDevices: number
  isKnown: (deviceId: string) => boolean
}) {
  const failures = new Map<string, readonly string[]>()
  // A bad release fails on many devices: they share one list.
  const lists = new Map<string, readonly string[]>()
  // Of devices that nobody had seen before: they give way first.
  const strangers = new Set<string>()
  let newestAt = 0

  function failedReleaseIds(appId: string, deviceId: string): readonly string[] {
    return failures.size === 0 ? NONE : (failures.get(deviceKey(appId, deviceId)) ?? NONE)
  }

  function add(appId: string, deviceId: string, releaseId: string, isKnown: boolean): void {
    const key = deviceKey(appId, deviceId)
    const known = failures.get(key) ?? NONE
    if (known.includes(releaseId)) return
    failures.delete(key)
    failures.set(key, shared([...known, releaseId].slice(-MAX_PER_DEVICE)))
    if (isKnown) strangers.delete(key)
    else if (known === NONE) strangers.add(key)
    if (failures.size <= maxDevices) return
    const [oldest = ''] = strangers.size > 0 ? strangers : failures.keys()
    remove(oldest)
  }

  function forget(appId: string, deviceId: string): void {
    remove(deviceKey(appId, deviceId))
  }

  function remove(key: string): void {
    failures.delete(key)
    strangers.delete(key)
  }

  function shared(list: readonly string[]): readonly string[] {
    const name = list.join('\n')
    const known = lists.get(name)
    if (known) return known
    if (lists.size >= MAX_SHARED_LISTS) lists.clear()
    lists.set(name, list)
    return list
  }

  /** Takes in what this and other servers wrote since the last time. */
  async function refresh(): Promise<void> {
    // A clock that was ahead for a while has left times to come: what is stored until then is not older than those.
    const rows = await listFailuresSince(db, Math.min(newestAt, clock.now()) - OVERLAP_MS, maxDevices)
    newestAt = Math.max(newestAt, rows[0]?.failed_at ?? 0)
    for (const row of rows.reverse()) add(row.app_id, row.device_id, row.release_id, isKnown(row.device_id))
  }

  return { failedReleaseIds, add, forget, refresh, size: () => failures.size }
}
