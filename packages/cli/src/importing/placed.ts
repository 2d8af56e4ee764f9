import type { App, ManagementClient, Page, Release, Rollout } from '@hotpatch/api'

const PAGE = 200

/** Whatever became of them since: what somebody has taken back is not placed again. */
export function listAllRollouts(api: ManagementClient, app: Pick<App, 'id'>): Promise<Rollout[]> {
  return allOf((cursor) => api.listRollouts(app.id, { limit: PAGE, ...cursor }))
}

export function listAllReleases(api: ManagementClient, app: Pick<App, 'id'>): Promise<Release[]> {
  return allOf((cursor) => api.listReleases(app.id, { limit: PAGE, ...cursor }))
}

async function allOf<Item>(fetchPage: (cursor: { cursor?: string }) => Promise<Page<Item>>): Promise<Item[]> {
  const all: Item[] = []
  let cursor: string | null | undefined
  do {
    const page = await fetchPage(cursor ? { cursor } : {})
    all.push(...page.items)
    cursor = page.nextCursor
  } while (cursor)
  return all
}
