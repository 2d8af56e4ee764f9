import { HOUR_MS } from '../../ground/clock.ts'

/** What was counted under some keys in one hour. */
export interface HourCount {
  hourAt: number
  keys: readonly string[]
  count: number
  bytes: number
}

interface Branch {
  children: Map<string, Branch>
  leaf: HourCount | undefined
}

/**
 * Counts in memory by hour and keys, bounded: what would be one cell too many is left out and counted as dropped.
 * Looked up key by key in maps of strings that are there already: on the check path this takes some 100 ns.
 */
export function createHourTally({ maxCells }: { maxCells: number }) {
  // Two cells for one key of the database would be one row too many in the statement that writes them.
  let hours = new Map<number, Branch>()
  let root = emptyBranch()
  let hourAt = Number.NaN
  let cells: HourCount[] = []
  let dropped = 0

  function add(at: number, keys: readonly string[], bytes = 0, count = 1): void {
    // Written so that NaN, of when nothing was counted yet, is not this hour.
    if (!(at >= hourAt && at < hourAt + HOUR_MS)) enterHour(at - (at % HOUR_MS))
    let branch = root
    for (const key of keys) {
      let next = branch.children.get(key)
      if (!next) {
        if (cells.length >= maxCells) {
          dropped++
          return
        }
        branch.children.set(key, (next = emptyBranch()))
      }
      branch = next
    }
    if (!branch.leaf) {
      if (cells.length >= maxCells) {
        dropped++
        return
      }
      branch.leaf = { hourAt, keys, count: 0, bytes: 0 }
      cells.push(branch.leaf)
    }
    branch.leaf.count += count
    branch.leaf.bytes += bytes
  }

  /** Hours come one after the other; only a clock that was set back finds one that is there. */
  function enterHour(at: number): void {
    root = hours.get(at) ?? emptyBranch()
    hours.set(at, root)
    hourAt = at
  }

  /** What was counted since the last time. */
  function take(): HourCount[] {
    const taken = cells
    cells = []
    hours = new Map()
    hourAt = Number.NaN
    return taken
  }

  return { add, take, size: () => cells.length, dropped: () => dropped }
}

function emptyBranch(): Branch {
  return { children: new Map(), leaf: undefined }
}
