import type { App } from '@hotpatch/api'
import { useQuery } from '@tanstack/react-query'
import { currentApi } from './api.ts'
import { appKey } from './queries.ts'

/** The app that a page is about; undefined while it is on its way. */
export function useApp(slug: string): App | undefined {
  return useQuery({ queryKey: appKey(slug, 'self'), queryFn: () => currentApi().getApp(slug), staleTime: 60_000 }).data
}

/** Names of its channels, as they were made. */
export function useChannelNames(slug: string): readonly string[] {
  const { data } = useQuery({
    queryKey: appKey(slug, 'channels'),
    queryFn: () => currentApi().listChannels(slug),
    staleTime: 60_000,
  })
  return data?.items.map(({ name }) => name) ?? []
}
