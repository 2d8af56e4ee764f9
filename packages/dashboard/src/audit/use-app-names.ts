import { useQuery } from '@tanstack/react-query'
import { useApi } from '../ground/api.ts'
import { serverKey } from '../ground/queries.ts'

/** Of the apps that the reader may see. */
export function useAppNames() {
  const api = useApi()
  const { data } = useQuery({ queryKey: serverKey('apps', 'all'), queryFn: () => api.listApps({ limit: 200 }) })
  const apps = data?.items ?? []
  return { apps, nameOf: (appId: string | null) => apps.find(({ id }) => id === appId)?.name }
}
