import { byPath, type Entry } from './entry.ts'

export interface EntryDifference {
  path: string
  change: 'added' | 'removed' | 'changed'
  beforeBytes: number | null
  afterBytes: number | null
}

export interface ComparedEntries {
  /** In the order of their paths. */
  differences: readonly EntryDifference[]
  same: number
}

/** What became of the files of one release in another one. */
export function compareEntries(before: readonly Entry[], after: readonly Entry[]): ComparedEntries {
  const earlier = new Map(before.map((entry) => [entry.path, entry]))
  const differences: EntryDifference[] = []
  let same = 0
  for (const { path, sizeBytes, sameness } of after) {
    const old = earlier.get(path)
    earlier.delete(path)
    if (!old) differences.push({ path, change: 'added', beforeBytes: null, afterBytes: sizeBytes })
    else if (old.sameness === sameness) same += 1
    else differences.push({ path, change: 'changed', beforeBytes: old.sizeBytes, afterBytes: sizeBytes })
  }
  for (const { path, sizeBytes } of earlier.values()) {
    differences.push({ path, change: 'removed', beforeBytes: sizeBytes, afterBytes: null })
  }
  return { differences: differences.sort(byPath), same }
}
