import { hasStarted } from '../decide.ts'
import { isForEveryone } from '../audience.ts'
import type { CatalogRelease, CompiledRollout } from '../catalog.ts'
import type { RuleAttribute } from '../attribute-rules.ts'

/** Static edge §7: why a device must ask the server for a rollout. */
export const EDGE_OBSTACLES = [
  'names-devices',
  'names-cohorts',
  'private-attributes',
  'unreadable-rules',
  'hashed-device-ids',
  'encrypted',
] as const

export type EdgeObstacle = (typeof EDGE_OBSTACLES)[number]

/** What becomes of a rollout in what anybody can read. */
export type EdgeStanding =
  | { kind: 'open' }
  /** Nobody is offered it any more: only that it was there counts. */
  | { kind: 'over' }
  | { kind: 'asks-server'; obstacle: EdgeObstacle }
  /** Not begun, or of a kind that no device at the edge takes: it is offered to none of them. */
  | { kind: 'left-out' }

/** What an app's own people may have put a name into is nothing for the public. */
const PUBLIC_ATTRIBUTES: ReadonlySet<RuleAttribute> = new Set<RuleAttribute>([
  'osVersion',
  'nativeVersion',
  'nativeBuild',
  'runtimeVersion',
  'model',
  'locale',
  'architecture',
  'sdkVersion',
  'isEmulator',
  'isProduction',
  'installSource',
])

/**
 * Static edge §7.
 * @param drawsByDeviceId whether devices know what percentages draw them by: those of a hashed app do not
 */
export function edgeStandingOf<Release extends CatalogRelease>(
  rollout: CompiledRollout<Release>,
  now: number,
  { drawsByDeviceId }: { drawsByDeviceId: boolean },
): EdgeStanding {
  if (rollout.kind !== null && rollout.kind !== 'archive') return { kind: 'left-out' }
  if (rollout.state === 'halted' || rollout.state === 'withdrawn') return { kind: 'over' }
  if (!hasStarted(rollout, now)) return { kind: 'left-out' }
  const obstacle = obstacleOf(rollout, drawsByDeviceId)
  return obstacle ? { kind: 'asks-server', obstacle } : { kind: 'open' }
}

function obstacleOf(rollout: CompiledRollout, drawsByDeviceId: boolean): EdgeObstacle | undefined {
  const { target, audience } = rollout
  if (target !== 'embedded' && target.encryptedFor) return 'encrypted'
  // Whatever else its audience names, everybody is in.
  if (isForEveryone(rollout)) return undefined
  const { devices, cohorts, rules, compiledRules, percentage, slice } = audience
  if (devices.length > 0) return 'names-devices'
  if (cohorts.length > 0 && percentage < 100) return 'names-cohorts'
  if (rules.some(({ attribute }) => !PUBLIC_ATTRIBUTES.has(attribute))) return 'private-attributes'
  if (compiledRules.some(({ kind }) => kind === 'unreadable')) return 'unreadable-rules'
  const isDrawn = (percentage > 0 && percentage < 100) || slice !== null
  return isDrawn && !drawsByDeviceId ? 'hashed-device-ids' : undefined
}
