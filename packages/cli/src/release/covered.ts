import type { App, ManagementClient, Release, ReleasePreflight } from '@hotpatch/api'

type InForce = ReleasePreflight['inForce']

/** What becomes of what the channel has now, for the plan that a person agrees to. */
export function coverLines(
  inForce: InForce,
  { percentage, isNarrowed }: { percentage: number; isNarrowed: boolean },
): Record<string, string> {
  if (inForce.length === 0) return {}
  const names = inForce.map(
    ({ version, state, percentage: share }) =>
      `${version ?? 'embedded'} (${state === 'active' ? '' : `${state}, `}${share} %)`,
  )
  const isWhole = percentage === 100 && !isNarrowed
  return isWhole
    ? { Covers: `${names.join(', ')}: from then on reach only devices that cannot take this one` }
    : { 'On top of': `${names.join(', ')}: as before for devices that this one does not reach` }
}

/** A promotion of something older than what the channel has: devices there go back. Undefined when none does. */
export async function findNewerThere(
  api: ManagementClient,
  app: App,
  release: Release,
  channel: string,
): Promise<Release | undefined> {
  const { platform } = release
  const { items } = await api.listRollouts(app.id, { platform, channel, limit: 50 })
  const placed = items.find(({ state, releaseId }) => (state === 'active' || state === 'paused') && releaseId !== null)
  if (!placed?.releaseId || placed.releaseId === release.id) return undefined
  const there = await api.getRelease(placed.releaseId)
  return there.sequence > release.sequence ? there : undefined
}
