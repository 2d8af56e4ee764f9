import { isForEveryone } from './audience.ts'
import type { CatalogRelease, CompiledCatalog, CompiledRollout } from './catalog.ts'
import { takesPlain, type ClientTakes } from './client-takes.ts'
import { untakenReason } from './refusals.ts'
import { hasStarted } from './decide.ts'
import { REQUIREMENT_NAMES, type Requirement } from './requirement.ts'
import { createSeenBinaries } from './versions/binary-order.ts'

/** How whoever a feed is for reads it. */
export interface FeedReading {
  takes: ClientTakes
  judges: readonly (keyof Requirement)[]
  picksHighest?: boolean
}

/**
 * What a feed can say, as it is for nobody in particular (Decision §14): the rollouts that anybody would be offered if
 * nothing else spoke against them, highest position first.
 *
 * @param now milliseconds since 1970
 * @param takes what its readers can take: where they have no word for embedded, it ends above that
 * @param judges what its readers can judge of a requirement: what requires anything else is left out
 * @param picksHighest they take the highest version that they find: what is newer than something above it is left out
 */
export function inForce<Release extends CatalogRelease>(
  catalog: CompiledCatalog<Release>,
  now: number,
  { takes, judges, picksHighest = false }: FeedReading,
): CompiledRollout<Release>[] {
  const found = catalog.rollouts.filter(
    (rollout) =>
      rollout.state === 'active' &&
      hasStarted(rollout, now) &&
      isForEveryone(rollout) &&
      requiresOnly(rollout, judges) &&
      isTaken(rollout, takes),
  )
  const end = takes.embedded ? -1 : found.findIndex(({ target }) => target === 'embedded')
  const read = end === -1 ? found : found.slice(0, end)
  return picksHighest ? withoutNewer(read) : read
}

/** Of whole binaries: else a roll-back would be none to who looks at versions alone. */
function withoutNewer<Rollout extends CompiledRollout>(rollouts: readonly Rollout[]): Rollout[] {
  const above = createSeenBinaries()
  return rollouts.filter(({ binary }) => {
    if (!binary) return true
    const isNewer = above.hasOlderThan(binary)
    above.add(binary)
    return !isNewer
  })
}

/** A feed is everybody's: what is encrypted for a key is in none. */
function isTaken(rollout: CompiledRollout, takes: ClientTakes): boolean {
  return rollout.kind === null || (takesPlain(takes) && !untakenReason(rollout, takes))
}

function requiresOnly({ target }: CompiledRollout, judges: readonly (keyof Requirement)[]): boolean {
  if (target === 'embedded') return true
  return REQUIREMENT_NAMES.every((name) => target.requirement[name] === undefined || judges.includes(name))
}
