import { useQuery } from '@tanstack/react-query'
import { useApi } from '../ground/api.ts'
import { useMay } from '../ground/permissions.ts'
import { serverKey } from '../ground/queries.ts'

export const tokensKey = (...rest: readonly unknown[]) => serverKey('tokens', ...rest)

/** The apps that a token can be for. */
export function useApps() {
  const api = useApi()
  return useQuery({ queryKey: serverKey('apps', 'all'), queryFn: () => api.listApps({ limit: 200 }) }).data?.items ?? []
}

/** Who somebody is, for whoever may know: others see the name that was written down with the token. */
export function usePersonName(): (personId: string | null) => string | undefined {
  const api = useApi()
  const may = useMay()
  const { data } = useQuery({
    queryKey: serverKey('people', 'names'),
    queryFn: () => api.listPeople({ limit: 200 }),
    enabled: may('people:manage'),
  })
  return (personId) => data?.items.find(({ id }) => id === personId)?.name
}
