import type { DeviceTrust } from '@hotpatch/api'

/** What decides whether a device takes a release, as fields; none of a client that does not tell. */
export function trustFields(trust: DeviceTrust | null) {
  if (!trust) return {}
  const { highWater, floor, keyIds, heldReleaseId, builtAt } = trust
  return {
    confirmed: `sequence ${highWater}${floor > 0 ? `, and takes nothing below ${floor}` : ''}`,
    keys: keyIds.length > 0 ? keyIds.join(', ') : 'none: it checks no signatures',
    ...(builtAt !== null && { 'binary built': builtAt }),
    ...(heldReleaseId !== null && { 'can go back to': heldReleaseId }),
  }
}
