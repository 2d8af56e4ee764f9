import type { ServerAdvice } from '@hotpatch/api'
import { NO_PUBLIC_URL } from '../ground/http/public-url.ts'
import type { CheckPath } from './check-path.ts'
import type { Core } from './core.ts'

/** What `hotpatch doctor` tells of the server itself, as it runs now. */
export function adviseOn({ config }: Core, { fleet }: CheckPath): ServerAdvice[] {
  const { eventsNotKept, droppedNotes, droppedStrangers, refusedReports } = fleet.counters()
  const advice: ServerAdvice[] = config.http.publicUrl === null ? [NO_PUBLIC_URL] : []
  if (eventsNotKept > 0) {
    advice.push({
      about: 'events',
      detail: `${eventsNotKept} events were not kept since the server started: there is no room for them. They are counted in the figures of their rollouts, and missing in the timelines of their devices.`,
      remedy:
        'Look at who sends them. For more room raise HOTPATCH_MAX_EVENT_BYTES, HOTPATCH_MAX_APP_EVENT_BYTES or HOTPATCH_DEVICE_EVENTS_PER_DAY, or keep events for fewer days: apps set --event-retention-days.',
    })
  }
  if (droppedNotes + refusedReports > 0) {
    advice.push({
      about: 'flood',
      detail: `${droppedNotes} checks were not noted (${droppedStrangers} of them of devices not seen before) and ${refusedReports} reports refused since the server started: more came than the database takes.`,
      remedy: 'Look at the addresses that ask, lower the limits of HOTPATCH_ADDRESS_…, or use a faster disk.',
    })
  }
  return advice
}
