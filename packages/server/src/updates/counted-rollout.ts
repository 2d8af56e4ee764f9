import { placementsOf, type CompiledRollout, type Decision } from '@hotpatch/protocol'
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
): { rolloutId: string | null; rolloutStartedAt: number | null; isOffer: boolean } {
  const { kind } = decision
  const rollout = kind === 'native-update-required' ? null : decision.rollout
  if (rollout) return counted(rollout, kind !== 'up-to-date')
  // What it runs was taken back, or is no longer for it: it came from there all the same.
  const placed = placementsOf(catalog, currentReleaseId).find((placement) => hasStarted(placement, now))
  return counted(placed, false)
}

function counted(rollout: CompiledRollout | undefined, isOffer: boolean) {
  return { rolloutId: rollout?.id ?? null, rolloutStartedAt: rollout?.startedAt ?? null, isOffer }
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
    const placements = placementsOf(catalog, releaseId).filter((rollout) => hasStarted(rollout, now))
    const named = placements.find(({ id }) => id === rolloutId)
    // A clock that is behind: it can have happened only after the first rollout of the release.
    const started = placements.filter((rollout) => startOf(rollout) <= at)
    const found = named ?? started[0] ?? placements.at(-1)
    const others = named ? [] : started.slice(1).map(({ id }) => id)
    if (found) return { id: found.id, startedAt: startOf(found), others }
  }
  return null
}

function hasStarted({ startsAt }: CompiledRollout, now: number): boolean {
  return startsAt === null || startsAt <= now
}

function startOf({ startedAt }: CompiledRollout): number {
  return startedAt ?? 0
}
