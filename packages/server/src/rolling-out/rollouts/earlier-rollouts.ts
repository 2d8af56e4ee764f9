import type { RolloutState } from '@hotpatch/protocol'

/** A rollout of a place, as far as it says what was there before others. */
export interface PlacedRollout {
  id: string
  /** Null: what the binary shipped with. */
  releaseId: string | null
  version: string | null
  position: number
  state: RolloutState
  hasStarted: boolean
  percentage: number
  /** Whether rules, or the share of a test's arm, keep it from some devices whatever its percentage. */
  isNarrowed: boolean
  isArchived: boolean
  hasTripped: boolean
  experimentId: string | null
}

/** An earlier rollout of another release. */
export interface EarlierRollout {
  id: string
  releaseId: string
  version: string
  position: number
  /** Whether every device of its place may have it. */
  isForAll: boolean
  /** A way back. */
  isSound: boolean
  /** Why it is none. */
  harm: Harm | null
  /** Neither taken back nor rolled back from. */
  isStanding: boolean
}

/** `taken-back`: halted, or a guard found it wrong. `not-in-force`: paused, withdrawn, not started or archived. */
export type Harm = 'rolled-back-from' | 'taken-back' | 'not-in-force'

/** The rollout before which something was. */
export interface LaterRollout {
  position: number
  /** Null: none yet. */
  releaseId: string | null
  experimentId: string | null
}

/**
 * What devices had before a rollout, newest first: rollouts of other releases below it, without the other arms of its
 * test. Where a release was placed again, those that came after it the first time were rolled back from, and are
 * nobody's way back any more; until they are placed anew. Placing again what the binary shipped with leaves nothing below.
 * @param placed of one place, newest first, those above the rollout as well: they say what became of a release since
 */
export function earlierRollouts(placed: readonly PlacedRollout[], later: LaterRollout): EarlierRollout[] {
  const firsts = firstPositions(placed)
  const spans = rolledBackSpans(placed, firsts, later)
  const takenBack = takenBackReleases(placed)
  const wasRolledBackFrom = ({ releaseId, position }: PlacedRollout) => {
    const first = firsts.get(releaseId ?? '') ?? position
    return spans.some(({ from, to }) => from < first && position < to)
  }
  const harmOf = (rollout: PlacedRollout): Harm | null => {
    const { releaseId, state, hasStarted, isArchived, hasTripped } = rollout
    if (hasTripped || state === 'halted' || takenBack.has(releaseId ?? '')) return 'taken-back'
    if (wasRolledBackFrom(rollout)) return 'rolled-back-from'
    return state === 'active' && hasStarted && !isArchived ? null : 'not-in-force'
  }
  const earlier: EarlierRollout[] = []
  for (const rollout of placed) {
    const { id, releaseId, version, position, state, experimentId } = rollout
    if (releaseId === null || releaseId === later.releaseId || position >= later.position) continue
    if (later.experimentId !== null && experimentId === later.experimentId) continue
    const harm = harmOf(rollout)
    earlier.push({
      id,
      releaseId,
      version: version ?? '',
      position,
      isForAll: rollout.percentage === 100 && !rollout.isNarrowed,
      isSound: harm === null,
      harm,
      isStanding: (state === 'active' || state === 'paused') && !wasRolledBackFrom(rollout),
    })
  }
  return earlier
}

function firstPositions(placed: readonly PlacedRollout[]): ReadonlyMap<string, number> {
  const first = new Map<string, number>()
  for (const { releaseId, position } of placed) if (releaseId !== null) first.set(releaseId, position)
  return first
}

/**
 * From the first rollout of a release to one that placed it again. Only such count as were for devices of every kind:
 * who lets testers try an old release takes nothing back. The later rollout itself counts always, since its devices went
 * back; the arm of a test never, which is there to be compared.
 */
function rolledBackSpans(
  placed: readonly PlacedRollout[],
  first: ReadonlyMap<string, number>,
  later: LaterRollout,
): { from: number; to: number }[] {
  const spans: { from: number; to: number }[] = []
  for (const { releaseId, position, state, hasStarted, percentage, isNarrowed } of placed) {
    if (state === 'withdrawn' || !hasStarted || isNarrowed || percentage === 0) continue
    spans.push({ from: releaseId === null ? -Infinity : (first.get(releaseId) ?? position), to: position })
  }
  const from = later.releaseId === null || later.experimentId !== null ? undefined : first.get(later.releaseId)
  return from === undefined ? spans : [...spans, { from, to: later.position }]
}

/** Of which the newest rollout was halted, or a guard found it wrong: older ones of the same bytes are no better. */
function takenBackReleases(placed: readonly PlacedRollout[]): ReadonlySet<string> {
  const newest = new Map<string, PlacedRollout>()
  for (const rollout of placed) {
    const { releaseId, state } = rollout
    if (releaseId !== null && state !== 'withdrawn' && !newest.has(releaseId)) newest.set(releaseId, rollout)
  }
  const isTakenBack = ({ state, hasTripped }: PlacedRollout) => state === 'halted' || hasTripped
  return new Set([...newest].filter(([, rollout]) => isTakenBack(rollout)).map(([releaseId]) => releaseId))
}
