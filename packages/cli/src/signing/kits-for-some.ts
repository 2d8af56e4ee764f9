import type { App, Rollout } from '@hotpatch/api'
import { formatList } from '../output/text.ts'
import type { Session } from '../session/session.ts'

/** More are not named. */
const MOST = 5

/**
 * What of a channel nobody in particular is told: kits that are in force for some installations alone, above what is for
 * everyone. A sentence with the way to name them; undefined: there are none.
 * @param rolloutId of what is for everyone; undefined: nothing is
 */
export async function tellKitsForSome(
  { api }: Session,
  app: App,
  channel: string,
  rolloutId: string | undefined,
): Promise<string | undefined> {
  const { items } = await api.listRollouts(app.id, { channel, limit: 200 })
  const below = items.find(({ id }) => id === rolloutId)?.position ?? 0
  const above = items.filter((rollout) => rollout.position > below && isForSome(rollout)).slice(0, MOST)
  const [first] = above
  if (!first) return undefined
  const named = above.map(({ version, percentage, state }) => `${version} (${percentage} %, ${state})`)
  return `For some installations alone: ${formatList(named)}. Such a kit is named by its release id: --release-id ${first.version}`
}

function isForSome({ state, platform, version }: Rollout): boolean {
  return (state === 'active' || state === 'paused') && platform === 'any' && version !== null
}
