import { isForEveryone } from './audience.ts'
import type { CatalogRelease, CompiledCatalog, CompiledRollout } from './catalog.ts'
import type { ContentKindName } from './content/release-content.ts'
import { hasStarted } from './decide.ts'
import { REQUIREMENT_NAMES, type Requirement } from './requirement.ts'

/**
 * What a feed can say, as it is for nobody in particular (Decision §14): the rollouts that anybody would be offered if
 * nothing else spoke against them, highest position first.
 *
 * @param now milliseconds since 1970
 * @param takes the kinds of content that its readers can take
 * @param judges what its readers can judge of a requirement: what requires anything else is left out
 */
export function inForce<Release extends CatalogRelease>(
  catalog: CompiledCatalog<Release>,
  now: number,
  { takes, judges }: { takes: readonly ContentKindName[]; judges: readonly (keyof Requirement)[] },
): CompiledRollout<Release>[] {
  return catalog.rollouts.filter(
    (rollout) =>
      rollout.state === 'active' &&
      hasStarted(rollout, now) &&
      isForEveryone(rollout) &&
      requiresOnly(rollout, judges) &&
      isTaken(rollout, takes),
  )
}

function isTaken({ kind }: CompiledRollout, takes: readonly ContentKindName[]): boolean {
  return kind === null || takes.includes(kind)
}

function requiresOnly({ target }: CompiledRollout, judges: readonly (keyof Requirement)[]): boolean {
  if (target === 'embedded') return true
  return REQUIREMENT_NAMES.every((name) => target.requirement[name] === undefined || judges.includes(name))
}
