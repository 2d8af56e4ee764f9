import type { Page } from '@hotpatch/api'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'

export interface Pages<Row> {
  rows: readonly Row[]
  isLoading: boolean
  error: unknown
  hasMore: boolean
  isLoadingMore: boolean
  onMore: () => void
  onRetry: () => void
}

/**
 * A list by cursor, page after page.
 * @param isLive false for long lists that somebody is reading: they stay as they are until they are asked for again
 */
export function usePages<Row>({
  queryKey,
  fetchPage,
  isLive = true,
  isEnabled = true,
}: {
  queryKey: readonly unknown[]
  fetchPage: (cursor: { cursor?: string }) => Promise<Page<Row>>
  isLive?: boolean
  isEnabled?: boolean
}): Pages<Row> {
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) => fetchPage(pageParam === null ? {} : { cursor: pageParam }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    enabled: isEnabled,
    // Comparing all pages with all that were there before is what very long lists would wait for.
    structuralSharing: false,
    meta: { isLive },
  })
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data])
  return {
    rows,
    isLoading: query.isPending,
    error: query.error,
    hasMore: query.hasNextPage,
    isLoadingMore: query.isFetchingNextPage,
    onMore: () => void query.fetchNextPage(),
    onRetry: () => void query.refetch(),
  }
}
