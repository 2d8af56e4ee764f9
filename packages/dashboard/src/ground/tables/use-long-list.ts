import type { Page } from '@hotpatch/api'
import { hashKey, skipToken, useQueries, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import {
  emptyAtEnd,
  learn,
  NOTHING_KNOWN,
  pageOfRow,
  pagesAround,
  rowCount,
  type PageIndex,
  type Range,
} from './page-index.ts'
import type { Rows } from './rows.ts'

export interface LongList<Row> {
  rows: Rows<Row>
  isLoading: boolean
  error: unknown
  hasMore: boolean
  isLoadingMore: boolean
  onMore: () => void
  onRetry: () => void
  /** Told by the table: rows that are near the window. */
  onVisible: (rows: Range) => void
}

/** Pages on each side of those that are seen: further away they are let go, and asked for again when somebody comes back. */
const KEPT_AROUND = 5
/** Whoever drags through a long list means the end of the way, and none of what is on it. */
const SETTLE_MS = 120
/** A page of what is filtered may be empty, with more behind it. So many are looked at before somebody says to go on. */
const EMPTY_AT_ONCE = 20

/**
 * A list by cursor of any length: pages are asked for as their rows come near the window, and let go when they are far
 * from it. They stay as they are until they are asked for again, as somebody is reading them.
 */
export function useLongList<Row>({
  queryKey,
  fetchPage,
}: {
  queryKey: readonly unknown[]
  fetchPage: (cursor: { cursor?: string }) => Promise<Page<Row>>
}): LongList<Row> {
  const [index, setIndex] = usePageIndex(queryKey)
  const [seen, onVisible] = useSeenPages(queryKey, index)
  const [allowedEmpty, setAllowedEmpty] = useState(EMPTY_AT_ONCE)
  const isTired = emptyAtEnd(index) >= allowedEmpty
  const wanted = wantedPages(index, seen, isTired)
  const results = useQueries({
    queries: wanted.map(({ number, cursor }) => ({
      queryKey: [...queryKey, 'page', number, cursor],
      queryFn: () => fetchPage(cursor === null ? {} : { cursor }),
      staleTime: Infinity,
      structuralSharing: false as const,
      meta: { isLive: false },
    })),
  })
  const pages = new Map(wanted.map(({ number }, at) => [number, results[at]?.data]))
  const learned = wanted.reduce((before, place) => {
    const page = pages.get(place.number)
    return page ? learn(before, place, page) : before
  }, index)
  useEffect(() => {
    if (learned !== index) setIndex(learned)
  })
  useLettingGo(queryKey, seen)

  const failed = results.filter(({ isError }) => isError)
  const hasMore = learned.at(-1)?.count === undefined
  return {
    rows: {
      length: rowCount(learned),
      at: (row) => {
        const number = pageOfRow(learned, row)
        return pages.get(number)?.items[row - (learned[number]?.start ?? 0)]
      },
    },
    isLoading: learned[0].count === undefined && failed.length === 0,
    error: failed[0]?.error ?? null,
    hasMore: hasMore && learned[0].count !== undefined,
    isLoadingMore: hasMore && !isTired && failed.length === 0,
    onMore: () => setAllowedEmpty(emptyAtEnd(index) + EMPTY_AT_ONCE),
    onRetry: () => {
      for (const { refetch } of failed) void refetch()
    },
    onVisible,
  }
}

function wantedPages(index: PageIndex, seen: Range, isTired: boolean) {
  const { first, last } = pagesAround(index, seen)
  const wanted = index.slice(first, last + 1).map(({ cursor, count }, at) => ({ number: first + at, cursor, count }))
  return wanted.filter(({ count }) => count !== undefined || !isTired)
}

/** Outlives the page, so that whoever comes back finds the list as long as it was. */
function usePageIndex(queryKey: readonly unknown[]) {
  const client = useQueryClient()
  const indexKey = [...queryKey, 'pages']
  const { data = NOTHING_KNOWN } = useQuery<PageIndex>({
    queryKey: indexKey,
    queryFn: skipToken,
    initialData: NOTHING_KNOWN,
    structuralSharing: false,
    meta: { isLive: false },
  })
  return [data, (index: PageIndex) => client.setQueryData(indexKey, index)] as const
}

/** The pages of rows near the window: those next to what was seen before at once, others when the window stays there. */
function useSeenPages(queryKey: readonly unknown[], index: PageIndex) {
  const list = hashKey(queryKey)
  const [state, setState] = useState({ list, first: 0, last: 0 })
  const seen: Range = state.list === list ? state : { first: 0, last: 0 }
  const current = useRef({ list, index, seen })
  current.current = { list, index, seen }
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const [onVisible] = useState(() => (rows: Range) => {
    clearTimeout(timer.current)
    const { list, index, seen } = current.current
    const first = pageOfRow(index, rows.first)
    const last = pageOfRow(index, rows.last)
    if (first === seen.first && last === seen.last) return
    const look = () => setState({ list, first, last })
    const isNext = first <= seen.last + 1 && last >= seen.first - 1
    if (isNext) look()
    else timer.current = setTimeout(look, SETTLE_MS)
  })
  return [seen, onVisible] as const
}

function useLettingGo(queryKey: readonly unknown[], { first, last }: Range) {
  const client = useQueryClient()
  const list = hashKey(queryKey)
  useEffect(() => {
    const at = queryKey.length + 1
    client.removeQueries({
      queryKey: [...queryKey, 'page'],
      type: 'inactive',
      predicate: ({ queryKey: key }) => {
        const number = Number(key[at])
        return number < first - KEPT_AROUND || number > last + KEPT_AROUND
      },
    })
  }, [client, list, first, last])
}
