import { compileCatalog, problem, type CatalogRollout, type Requirement } from '@hotpatch/protocol'
import type { RolloutPreview } from '@hotpatch/api'
import { NOTHING_HELD } from '../../updates/held-files.ts'
import type { DeviceIdentity } from '../../fleet/devices/device-identity.ts'
import { requireRules } from '../../rolling-out/rollouts/audience.ts'
import type { DirectoryEntry, OfferedRelease } from '../../updates/catalog-queries.ts'
import type { Catalogs, LiveCatalog } from '../../updates/catalogs.ts'

/** Who would sign, and under which sequence. */
export interface ImaginedSignature {
  keyId: string
  sequence: number
}

type WantedAudience = Pick<RolloutPreview, 'devices' | 'cohorts' | 'rules' | 'percentage'>

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
    position: Number.MAX_SAFE_INTEGER,
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

/** A release that nobody has published. */
export function imagineRelease(
  id: string,
  { kind, requirement, signature }: { kind: 'archive' | 'kit'; requirement: Requirement; signature: ImaginedSignature },
): OfferedRelease {
  const { keyId, sequence } = signature
  return {
    id,
    version: '',
    sequence,
    floor: 0,
    keyId,
    isStated: true,
    requirement,
    kind,
    content: { kind, sha256: '', sizeBytes: 0 },
    held: NOTHING_HELD,
    variants: [],
    notes: '',
    signature: null,
    statement: null,
    statementSignature: null,
  }
}

/** @throws problem release-not-found */
export function findPlacedRelease(catalogs: Catalogs, app: DirectoryEntry, releaseId: string): OfferedRelease {
  const release = catalogs.findRelease(app, releaseId)
  if (!release) throw problem('release-not-found', `The app never placed a release with the id ${releaseId}.`)
  return release
}

export function withRollouts(catalog: LiveCatalog, rollouts: readonly CatalogRollout<OfferedRelease>[]): LiveCatalog {
  const { restatements, embeddedAnswers, labelNumbers } = catalog
  return { ...compileCatalog({ ...catalog, rollouts }), restatements, embeddedAnswers, labelNumbers }
}
