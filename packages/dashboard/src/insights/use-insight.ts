import type { InsightQuery, ManagementClient, WholeInsightQuery } from '@hotpatch/api'
import { useQuery } from '@tanstack/react-query'
import { useApi } from '../ground/api.ts'
import { appKey } from '../ground/queries.ts'
import { queryOf, wholeQueryOf, type InsightsSearch } from './insight-range.ts'

/** @param name of the insight, under which it is kept */
export function useInsight<Answer>(
  slug: string,
  name: string,
  search: InsightsSearch,
  read: (api: ManagementClient, query: InsightQuery) => Promise<Answer>,
) {
  const api = useApi()
  const { rollouts: _, ...shared } = search
  return useQuery({
    queryKey: appKey(slug, 'insights', name, shared),
    queryFn: () => read(api, queryOf(shared, Date.now())),
    placeholderData: (before) => before,
  })
}

/** Of insights that are about one rollout, which has its place. */
export function wholeRange(search: InsightsSearch): WholeInsightQuery {
  return wholeQueryOf(search, Date.now())
}

/** What every figure of the page is asked with. */
export interface Asked {
  slug: string
  search: InsightsSearch
}
