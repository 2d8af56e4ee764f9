import type { CompiledRollout, Decision } from '@hotpatch/protocol'
import type { LiveCatalog } from './catalogs.ts'

/** A rollout that something on a device counts for; nothing counts before it started. */
export interface CountedRollout {
  id: string
  startedAt: number
  /** Those that placed the same release by then, where the device did not say which one it means. */
  others: readonly string[]
}

/** The rollout that a check counts for: the one that is offered, or else the one that brought what the device runs. */
export function rolloutOfCheck(
  catalog: LiveCatalog,
  decision: Decision,
  currentReleaseId: string | null,
  now: number,
): { rolloutId: string | null; isOffer: boolean } {
  const { kind } = decision
  const rollout = kind === 'native-update-required' ? null : decision.rollout
  if (rollout) return { rolloutId: rollout.id, isOffer: kind !== 'up-to-date' }
  // What it runs was taken back, or is no longer for it: it came from there all the same.
  const placed = catalog.byRelease.get(currentReleaseId)?.find((placement) => hasStarted(placement, now))
  return { rolloutId: placed?.id ?? null, isOffer: false }
}

/**
 * The rollout that a report about a release counts for: the one that the report names, or else the newest that had
 * started by then. If there were several, what is known of the device decides.
 * @param at by the server's clock
 */
export function rolloutOfEvent(
  catalogs: readonly LiveCatalog[],
  event: { releaseId: string | null; rolloutId: string | undefined; at: number },
  now: number,
): CountedRollout | null {
  const { releaseId, rolloutId, at } = event
  for (const catalog of catalogs) {
    const placements = catalog.byRelease.get(releaseId)?.filter((rollout) => hasStarted(rollout, now)) ?? []
    const named = placements.find(({ id }) => id === rolloutId)
    // A clock that is behind: it can have happened only after the first rollout of the release.
    const started = placements.filter(({ id }) => startOf(catalog, id) <= at)
    const found = named ?? started[0] ?? placements.at(-1)
    const others = named ? [] : started.slice(1).map(({ id }) => id)
    if (found) return { id: found.id, startedAt: startOf(catalog, found.id), others }
  }
  return null
}

function hasStarted({ startsAt }: CompiledRollout, now: number): boolean {
  return startsAt === null || startsAt <= now
}

function startOf(catalog: LiveCatalog, rolloutId: string): number {
  return catalog.startedAt.get(rolloutId) ?? 0
}
