import type { App } from '@hotpatch/api'
import { useQuery } from '@tanstack/react-query'
import { useApi } from './api.ts'
import { useMay } from './permissions.ts'
import { appKey } from './queries.ts'
import { useAppSlug } from './routes.ts'

/** The app that this page is about; undefined while it is on its way. */
export function usePageApp(): App | undefined {
  const slug = useAppSlug()
  const api = useApi()
  return useQuery({ queryKey: appKey(slug, 'self'), queryFn: () => api.getApp(slug), staleTime: 60_000 }).data
}

/** Whether whoever is signed in may do this with the app of this page. */
export function useMayHere(): (permission: string) => boolean {
  const app = usePageApp()
  const may = useMay()
  return (permission) => app !== undefined && may(permission, app.id)
}
