import type { Whoami } from '@hotpatch/api'
import { queryOptions, useQuery } from '@tanstack/react-query'
import { currentApi } from './api.ts'
import { serverKey } from './queries.ts'

export const whoamiQuery = queryOptions({
  queryKey: serverKey('whoami'),
  queryFn: () => currentApi().whoami(),
  staleTime: 60_000,
})

export function useWhoami(): Whoami | undefined {
  return useQuery(whoamiQuery).data
}

/**
 * Whether whoever is signed in may do this: what is shown goes by it. What is done goes by the server alone.
 * @param appId undefined: on the server as a whole, or for at least one app
 */
export function useMay(): (permission: string, appId?: string) => boolean {
  const whoami = useWhoami()
  return (permission, appId) =>
    (whoami?.grants ?? []).some(
      (grant) =>
        grant.permissions.includes(permission) &&
        (grant.appId === null || appId === undefined || grant.appId === appId),
    )
}

/** Whether whoever is signed in may do this everywhere, and not for some apps only. */
export function useMayEverywhere(): (permission: string) => boolean {
  const whoami = useWhoami()
  return (permission) =>
    (whoami?.grants ?? []).some(({ appId, permissions }) => appId === null && permissions.includes(permission))
}
