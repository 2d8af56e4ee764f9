import type { ManagementClient, Release, ReleasePreflight, Rollout } from '@hotpatch/api'

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

/** For a promotion: what its channel has now, and whether devices there go back. */
export async function placeLines(
  api: ManagementClient,
  release: Release,
  place: { channel: string; percentage: number; isNarrowed: boolean },
): Promise<Record<string, string>> {
  const { appId, platform } = release
  const { channel } = place
  const { items } = await api.listRollouts(appId, { platform, channel, limit: MAX_SHOWN })
  const standing = items.filter(({ state, coveredBy }) => (state === 'active' || state === 'paused') && !coveredBy)
  const inForce = standing.map(({ id, version, state, percentage }) => ({ rolloutId: id, version, state, percentage }))
  const newer = await findNewer(api, release, standing)
  return {
    ...coverLines(inForce, place),
    ...(newer && {
      'Goes back': `${newer.version} is newer, and devices on ${channel} that run it go back to ${release.version}`,
    }),
  }
}

const MAX_SHOWN = 20

async function findNewer(api: ManagementClient, release: Release, standing: readonly Rollout[]) {
  const placed = standing.find(({ releaseId }) => releaseId !== null)
  if (!placed?.releaseId || placed.releaseId === release.id) return undefined
  const there = await api.getRelease(placed.releaseId)
  return there.sequence > release.sequence ? there : undefined
}
