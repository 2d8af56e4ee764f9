import { formatNumber } from './figures.ts'
import type { Output } from './output.ts'

/** Said only where there are some. */
export function noteNotKept(output: Output, eventsNotKept: number, consequence: string): void {
  if (eventsNotKept === 0) return
  const events = eventsNotKept === 1 ? '1 event was' : `${formatNumber(eventsNotKept)} events were`
  output.line('')
  output.line(`In this time ${events} not kept for want of room. ${consequence}`)
}

/** Beside figures, which count them all the same. */
export const COUNTED_ALL_THE_SAME = 'The figures count them; timelines of devices lack them. See: hotpatch doctor'
/** Beside a list of what a device did. */
export const MAY_BE_MISSING =
  "They were of any of the app's devices, so this list may lack some of this one. See: hotpatch doctor"
