import { compileCatalog, problem, type CatalogRollout, type Platform } from '@hotpatch/protocol'
import type { RolloutPreview } from '@hotpatch/api'
import type { DeviceIdentity } from '../../fleet/devices/device-identity.ts'
import { requireRules } from '../../rolling-out/rollouts/audience.ts'
import type { DirectoryEntry, OfferedRelease } from '../../updates/catalog-queries.ts'
import type { Catalogs, LiveCatalog } from '../../updates/catalogs.ts'

type WantedAudience = Pick<RolloutPreview, 'devices' | 'cohorts' | 'rules' | 'percentage'>

const ON_TOP = Number.MAX_SAFE_INTEGER

export function isImagined({ position }: Pick<CatalogRollout, 'position'>): boolean {
  return position === ON_TOP
}

/** A rollout that nobody has made, on top of all that are there. */
export function imagineRollout(
  id: string,
  app: DirectoryEntry,
  target: OfferedRelease | 'embedded',
  { devices = [], cohorts = [], rules = [], percentage = 100 }: WantedAudience,
  identity: DeviceIdentity,
): CatalogRollout<OfferedRelease> {
  return {
    id,
    position: ON_TOP,
    target,
    state: 'active',
    startsAt: null,
    mandatory: false,
    audience: {
      devices: devices.map((device) => identity.resolve(app, device)),
      cohorts,
      rules: requireRules(rules),
      slice: null,
      percentage,
      salt: id,
      buckets: 10_000,
    },
    restated: null,
  }
}

/** @throws problem release-not-found */
export function findPlacedRelease(catalogs: Catalogs, app: DirectoryEntry, releaseId: string): OfferedRelease {
  const release = catalogs.findRelease(app, releaseId)
  if (!release) throw problem('release-not-found', `The app never placed a release with the id ${releaseId}.`)
  return release
}

/** Of what is for any platform each has its own files. */
export function forPlatform(
  catalogs: Catalogs,
  app: DirectoryEntry,
  rollout: CatalogRollout<OfferedRelease>,
  platform: Platform,
): CatalogRollout<OfferedRelease> {
  const { target } = rollout
  if (target === 'embedded') return rollout
  return { ...rollout, target: catalogs.findRelease(app, target.id, platform) ?? target }
}

export function withRollouts(catalog: LiveCatalog, rollouts: readonly CatalogRollout<OfferedRelease>[]): LiveCatalog {
  const { restatements, embeddedAnswers, labelNumbers } = catalog
  return { ...compileCatalog({ ...catalog, rollouts }), restatements, embeddedAnswers, labelNumbers }
}
