import type { LeftOutDevices } from '@hotpatch/api'
import { formatCount } from './text.ts'

/** Such as "112 devices, 100 of them bad: 100 never offered it, 12 too new". */
export function describeLeftOut(leftOut: LeftOutDevices): string {
  const { devices, bad, notOffered, tooNew, sameNetwork, unprovenReports } = leftOut
  const reasons = [
    notOffered > 0 && `${notOffered} never offered it`,
    tooNew > 0 && `${tooNew} too new`,
    sameNetwork > 0 && `${sameNetwork} more than their network may be`,
    unprovenReports > 0 && `${formatCount(unprovenReports, 'report')} without proof`,
  ].filter((reason) => reason !== false)
  return `${formatCount(devices, 'device')}, ${bad} of them bad: ${reasons.join(', ')}`
}
