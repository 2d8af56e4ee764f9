import type { Explanation } from '@hotpatch/api'
import type { EdgeObstacle } from '@hotpatch/protocol'
import type { OffEdge } from '../../updates/edge/edge-service.ts'

/** Static edge §7, for people. */
const BECAUSE: Record<EdgeObstacle, string> = {
  'names-devices': 'it names devices, and what is at the edge anybody can read',
  'names-cohorts': 'it names cohorts, and who is in them the server alone knows',
  'private-attributes': "it goes by attributes of the app's own, which are nothing for the public",
  'unreadable-rules': 'it has rules that devices would not understand',
  'hashed-device-ids': 'its percentage is of hashed device ids, which devices do not know',
  encrypted: 'its release is encrypted',
}
/** A channel may have hundreds. */
const MAX_TOLD = 5

/** Down to the one that decides: what is below it, no device asks for. */
export function noticesOffEdge(offEdge: readonly OffEdge[], rollouts: Explanation['rollouts']): Explanation['notices'] {
  const target = rollouts.findIndex(({ outcome }) => outcome === 'target')
  const reached = target === -1 ? rollouts : rollouts.slice(0, target + 1)
  const reasons = new Map(offEdge.map(({ rolloutId, reason }) => [rolloutId, reason]))
  const told = reached.flatMap(({ rolloutId, position, version }) => {
    const reason = reasons.get(rolloutId)
    if (reason === undefined) return []
    const which = `Rollout ${position} of ${version ?? 'embedded'}`
    const explanation = `${which} is off the edge: ${BECAUSE[reason]}. Devices that read the edge ask the server for it.`
    return [{ kind: 'off-the-edge' as const, explanation }]
  })
  return told.slice(0, MAX_TOLD)
}
