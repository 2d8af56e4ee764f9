/** Where the pages of a list by cursor begin, as far as they are known: what is on them may come and go. */
export type PageIndex = readonly [KnownPage, ...KnownPage[]]

export interface KnownPage {
  /** Null: the first. */
  cursor: string | null
  /** The number of its first row. */
  start: number
  /** Undefined of the last one alone: nobody has asked for it yet. */
  count: number | undefined
}

export interface Range {
  first: number
  last: number
}

export const NOTHING_KNOWN: PageIndex = [{ cursor: null, start: 0, count: undefined }]

/** With what a page has shown. The same index when that is nothing new. */
export function learn(
  index: PageIndex,
  { number, cursor }: { number: number; cursor: string | null },
  { items, nextCursor }: { items: readonly unknown[]; nextCursor: string | null },
): PageIndex {
  const known = index[number]
  if (known?.cursor !== cursor) return index
  const count = items.length
  if (known.count === count && (index[number + 1]?.cursor ?? null) === nextCursor) return index
  // Pages after it follow from it: they are found anew.
  const next = nextCursor === null ? [] : [{ cursor: nextCursor, start: known.start + count, count: undefined }]
  return [...index.slice(0, number), { ...known, count }, ...next] as unknown as PageIndex
}

export function rowCount(index: PageIndex): number {
  const last = index.at(-1)
  return last ? last.start + (last.count ?? 0) : 0
}

/** The number of the page that has the row; of one after the end, of the last page. */
export function pageOfRow(index: PageIndex, row: number): number {
  let low = 0
  let high = index.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((index[middle]?.start ?? 0) <= row) low = middle
    else high = middle - 1
  }
  return low
}

/** Pages with rows that are seen, and one on each side, so that they are there before they are seen. */
export function pagesAround(index: PageIndex, { first, last }: Range): Range {
  const end = index.length - 1
  return { first: Math.min(end, Math.max(0, first - 1)), last: Math.min(end, last + 1) }
}

/** How many of the last pages that have come had nothing on them. */
export function emptyAtEnd(index: PageIndex): number {
  const come = index.filter(({ count }) => count !== undefined)
  return come.length - 1 - come.findLastIndex(({ count }) => count !== 0)
}
