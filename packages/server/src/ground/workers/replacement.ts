/** Whoever served for so long is not one that dies again and again. */
const STEADY_MS = 30_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 15_000
/** So many starts in a row that came to nothing, with nobody left who serves, are the end of all. */
const MAX_VAIN_STARTS = 5

/** How a worker ended that nobody told to. */
export interface Ended {
  /** From when it served; undefined when it never did. */
  servedForMs: number | undefined
}

export type Replacement = { kind: 'start'; afterMs: number } | { kind: 'give-up'; starts: number }

/** When to start another one in the place of a worker that died. */
export function createReplacement() {
  /** By place, how often in a row one died there that was not steady. */
  const unsteady = new Map<number, number>()
  let vainStarts = 0

  function afterDeath(place: number, { servedForMs }: Ended, othersServe: boolean): Replacement {
    if (servedForMs === undefined) vainStarts++
    else vainStarts = 0
    if (vainStarts >= MAX_VAIN_STARTS && !othersServe) return { kind: 'give-up', starts: vainStarts }
    const isSteady = servedForMs !== undefined && servedForMs >= STEADY_MS
    const deaths = isSteady ? 0 : (unsteady.get(place) ?? 0) + 1
    unsteady.set(place, deaths)
    // The first is replaced at once: most die once.
    const afterMs = deaths <= 1 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (deaths - 2), LONGEST_PAUSE_MS)
    return { kind: 'start', afterMs }
  }

  /** One serves. */
  function served(): void {
    vainStarts = 0
  }

  return { afterDeath, served }
}
