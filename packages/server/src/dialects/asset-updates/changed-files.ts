import type { OfferedFile } from '../../updates/held-file-queries.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'

/** What a device that has one update lacks of another. */
export interface ChangedFiles {
  paths: readonly string[]
  /** Of each content once: two files that are the same are fetched together. */
  bytes: number
}

type Listed = Pick<OfferedRelease, 'held'>

/** Of a pair that is asked for often: most devices come from the same update. */
const known = new WeakMap<readonly OfferedFile[], WeakMap<readonly OfferedFile[], ChangedFiles>>()

/** Undefined when the list of either is not in memory. Bytes that have moved to another path are not lacking. */
export function changedFiles(from: Listed, to: Listed): ChangedFiles | undefined {
  const [before, after] = [from.held.files, to.held.files]
  if (!before || !after) return undefined
  const ofAfter = known.get(after) ?? new WeakMap<readonly OfferedFile[], ChangedFiles>()
  known.set(after, ofAfter)
  const found = ofAfter.get(before) ?? compare(before, after)
  ofAfter.set(before, found)
  return found
}

function compare(before: readonly OfferedFile[], after: readonly OfferedFile[]): ChangedFiles {
  const had = new Set(before.map(({ sha256 }) => sha256))
  const changed = after.filter(({ sha256 }) => !had.has(sha256))
  const sizes = new Map(changed.map(({ sha256, sizeBytes }) => [sha256, sizeBytes]))
  const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0)
  return { paths: changed.map(({ path }) => path), bytes }
}
