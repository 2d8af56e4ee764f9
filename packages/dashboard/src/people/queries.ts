import { useQuery } from '@tanstack/react-query'
import { useApi } from '../ground/api.ts'
import { serverKey } from '../ground/queries.ts'

export const peopleKey = (...rest: readonly unknown[]) => serverKey('people', ...rest)

/** The apps that a role can be for. */
export function useApps() {
  const api = useApi()
  return useQuery({ queryKey: serverKey('apps', 'all'), queryFn: () => api.listApps({ limit: 200 }) }).data?.items ?? []
}
