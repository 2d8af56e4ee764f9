import type { ReleasePreflight } from '@hotpatch/api'
import { compareNativeVersions, parseNativeVersion } from '@hotpatch/protocol'

/** A version that fewer than this part of the fleet tell may be anybody's invention, and sets no bound. */
const MIN_SHARE = 0.001

/** Which native versions there are now: a release for them is not meant for what a store will have next year. */
export function summarizeNative(
  counts: readonly { version: string | null; devices: number; alwaysTold: number }[],
): ReleasePreflight['native'] {
  const devices = counts.reduce((sum, each) => sum + each.devices, 0)
  const told = counts.flatMap(({ version, alwaysTold: count }) => {
    const parsed = version === null ? undefined : parseNativeVersion(version)
    return version !== null && parsed && count > 0 ? [{ version, parsed, count }] : []
  })
  const telling = told.reduce((sum, { count }) => sum + count, 0)
  const [newest] = told
    .filter(({ count }) => count >= telling * MIN_SHARE)
    .toSorted((a, b) => compareNativeVersions(b.parsed, a.parsed))
  return { devices, telling, newest: newest?.version ?? null }
}
