import { useQuery } from '@tanstack/react-query'
import { useApi } from '../ground/api.ts'
import { appKey } from '../ground/queries.ts'

/** Everything of one device is below it. */
export const deviceKey = (slug: string, id: string, ...rest: readonly unknown[]) => appKey(slug, 'device', id, ...rest)

export function useDevice(slug: string, id: string) {
  const api = useApi()
  return useQuery({ queryKey: deviceKey(slug, id, 'self'), queryFn: () => api.getDevice(slug, id) })
}

/** @param release that it should get, by id */
export function useExplanation(slug: string, id: string, release: string | undefined) {
  const api = useApi()
  return useQuery({
    queryKey: deviceKey(slug, id, 'explain', release ?? null),
    queryFn: () => api.explain(slug, id, release === undefined ? {} : { release }),
    // What was said before stays until the answer for another release is there.
    placeholderData: (before) => before,
  })
}

/** Rollouts that are in force where the device is, the topmost first. */
export function useRolloutsOf(slug: string, { channel, platform }: { channel: string; platform: string }) {
  const api = useApi()
  const { data } = useQuery({
    queryKey: appKey(slug, 'rollouts', 'in-force', channel),
    queryFn: () => api.listRollouts(slug, { channel, state: 'active', limit: 200 }),
  })
  return data?.items.filter((rollout) => rollout.platform === platform || rollout.platform === 'any') ?? []
}
