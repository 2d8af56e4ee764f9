import { rowOfNote } from './device-report.ts'
import type { Taken } from './fleet-buffer.ts'
import type { DeviceEventRow, DeviceFailureRow, DeviceRow, FleetBatch } from './fleet-store.ts'

/** Failures get the time of writing: other servers look for what is new by time, and miss nothing that waited. */
export function batchOf({ notes, reports }: Taken, now: number): FleetBatch {
  const running = new Map<string, DeviceRow>()
  const seen = new Map<string, DeviceRow>()
  const events: DeviceEventRow[] = []
  const failures: DeviceFailureRow[] = []
  for (const { device, tellsCurrent, event, failedReleaseId } of reports) {
    const devices = tellsCurrent ? running : seen
    devices.set(`${device.app_id}\n${device.device_id}`, device)
    if (event) events.push(event)
    if (failedReleaseId !== null) {
      failures.push({
        app_id: device.app_id,
        device_id: device.device_id,
        release_id: failedReleaseId,
        failed_at: now,
      })
    }
  }
  return {
    checked: inLockOrder(notes.map(rowOfNote)),
    running: inLockOrder([...running.values()]),
    seen: inLockOrder([...seen.values()]),
    events,
    failures,
  }
}

export function countRows({ checked, running, seen, events, failures }: FleetBatch): number {
  return checked.length + running.length + seen.length + events.length + failures.length
}

/** Two servers that write the same devices wait for each other instead of deadlocking. */
function inLockOrder(devices: DeviceRow[]): DeviceRow[] {
  return devices.sort((a, b) => compare(a.app_id, b.app_id) || compare(a.device_id, b.device_id))
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
