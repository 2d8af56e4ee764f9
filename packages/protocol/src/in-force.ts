import { isForEveryone } from './audience.ts'
import type { CatalogRelease, CompiledCatalog, CompiledRollout } from './catalog.ts'
import { hasStarted } from './decide.ts'

/**
 * What a feed can say, which is for nobody in particular (Decision §14): the rollouts that whoever asks would be offered
 * if nothing else spoke against them, highest position first. What a release requires is for the client to judge.
 *
 * @param now milliseconds since 1970
 */
export function inForce<Release extends CatalogRelease>(
  catalog: CompiledCatalog<Release>,
  now: number,
): CompiledRollout<Release>[] {
  return catalog.rollouts.filter(
    (rollout) => rollout.state === 'active' && hasStarted(rollout, now) && isForEveryone(rollout),
  )
}
