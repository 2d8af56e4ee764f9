import type { Device, DeviceFilter } from '@hotpatch/api'

/** What a device is in, in one word: from what it was told last. */
export const DEVICE_STATES = ['upToDate', 'offered', 'goesBack', 'needsApp', 'failed', 'gone'] as const
export type DeviceStateName = (typeof DEVICE_STATES)[number]

export const SEEN_TIMES = ['hour', 'day', 'week', 'notForWeek', 'notForMonth'] as const
export type SeenTime = (typeof SEEN_TIMES)[number]

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const STATE_FILTERS: Record<DeviceStateName, DeviceFilter> = {
  upToDate: { decision: 'up-to-date', isGone: false },
  offered: { decision: 'update', isGone: false },
  goesBack: { decision: 'embedded', isGone: false },
  needsApp: { decision: 'native-update-required', isGone: false },
  failed: { hasFailures: true },
  gone: { isGone: true },
}

const STATES_BY_DECISION: Record<string, DeviceStateName> = {
  'up-to-date': 'upToDate',
  update: 'offered',
  embedded: 'goesBack',
  'native-update-required': 'needsApp',
}

/** Undefined of one that never checked, such as one that only reported. */
export function stateOf({ goneAt, lastDecision }: Device): DeviceStateName | undefined {
  if (goneAt !== null) return 'gone'
  return lastDecision === null ? undefined : STATES_BY_DECISION[lastDecision]
}

export function filterOfState(state: DeviceStateName | undefined): DeviceFilter {
  return state ? STATE_FILTERS[state] : {}
}

/** @param now in milliseconds since 1970 */
export function filterOfSeen(seen: SeenTime | undefined, now: number): DeviceFilter {
  const before = (ms: number) => new Date(now - ms).toISOString()
  switch (seen) {
    case undefined:
      return {}
    case 'hour':
      return { seenSince: before(HOUR_MS) }
    case 'day':
      return { seenSince: before(DAY_MS) }
    case 'week':
      return { seenSince: before(7 * DAY_MS) }
    case 'notForWeek':
      return { seenBefore: before(7 * DAY_MS) }
    case 'notForMonth':
      return { seenBefore: before(30 * DAY_MS) }
  }
}
