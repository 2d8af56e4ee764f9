import { DIGEST_START_LENGTH, expoPlaceOf, placementsOf, type CompiledRollout } from '@hotpatch/protocol'
import { digestsOf } from '../shipping/content/kinds.ts'
import type { OfferedRelease } from './catalog-queries.ts'
import type { LiveCatalog } from './catalogs.ts'

/** Names that clients have for what they run. */
export type ReleaseName =
  /** Its own id. */
  | { id: string }
  /** Of what came over the air: a client that does not say so has `RunningCode` of the kind `version`. */
  | { version: string }
  /** The rollout that it came by: clients that have an id for each update have this, new with every rollout. */
  | { rolloutId: string }
  /** Such as v12: counted on each channel, new with every rollout (`labelOf`). */
  | { label: string }
  /** Such as v12 of its rollouts for one platform and channel, the oldest of which is v1 (`countedLabelOf`). */
  | { countedLabel: string }
  /** The lower-case hex SHA-256 over what its archive contains (Code Push §5). */
  | { packageHash: string }
  /** The lower-case hex SHA-256 of its content. */
  | { sha256: string }
  /** The first 15 digits of it, of clients whose ids have no room for more; with the place, where they tell that. */
  | { digestStart: string; place?: number }
  /** That its tool has given the build. */
  | { buildId: string }

interface Names {
  byRollout: Map<string, OfferedRelease>
  byLabel: Map<string, OfferedRelease>
  byCountedLabel: Map<string, OfferedRelease>
  byPackageHash: Map<string, OfferedRelease>
  byDigest: Map<string, OfferedRelease>
  /** Several releases may have the same content: those placed later first. */
  byDigestStart: Map<string, OfferedRelease[]>
  /** What each rollout placed, by that beginning and the place. */
  byPlace: Map<string, OfferedRelease>
  byBuild: Map<string, OfferedRelease>
}

/** Made when somebody asks: most catalogs are of clients that need none. */
const names = new WeakMap<LiveCatalog, Names>()

/**
 * Undefined when the catalog has nothing of that name, or it names embedded. Of several releases of the same content the
 * one that came by the place, or else the one placed last.
 */
export function findByName(catalog: LiveCatalog, name: ReleaseName): OfferedRelease | undefined {
  if ('version' in name) return catalog.byVersion.get(name.version)
  if ('id' in name) {
    const target = placementsOf(catalog, name.id)[0]?.target
    return target === 'embedded' ? undefined : target
  }
  const known = namesOf(catalog)
  if ('rolloutId' in name) return known.byRollout.get(name.rolloutId)
  if ('countedLabel' in name) return known.byCountedLabel.get(name.countedLabel)
  if ('packageHash' in name) return known.byPackageHash.get(name.packageHash)
  if ('digestStart' in name) return known.byPlace.get(placed(name)) ?? known.byDigestStart.get(name.digestStart)?.[0]
  if ('buildId' in name) return known.byBuild.get(name.buildId)
  return 'label' in name ? known.byLabel.get(name.label) : known.byDigest.get(name.sha256)
}

/** All that have the same content, which is all that such a name says. */
export function findAlike(catalog: LiveCatalog, name: ReleaseName): readonly OfferedRelease[] {
  if ('digestStart' in name) return namesOf(catalog).byDigestStart.get(name.digestStart) ?? []
  const release = findByName(catalog, name)
  return release ? [release] : []
}

/** The number that the rollout has on its channel: no two have the same, and later ones a higher one. */
export function labelOf({ position }: Pick<CompiledRollout, 'position'>): string {
  return `v${position}`
}

/**
 * Rollouts are never taken away and the newest is the highest, so that the number of one never changes. Those for any
 * platform count for each. What another server had counted before keeps its number.
 */
export function countedLabelOf(
  { rollouts, labelNumbers }: Pick<LiveCatalog, 'rollouts' | 'labelNumbers'>,
  { id, index }: Pick<CompiledRollout, 'id' | 'index'>,
): string {
  return `v${labelNumbers?.get(id) ?? rollouts.length - index}`
}

function namesOf(catalog: LiveCatalog): Names {
  const known = names.get(catalog)
  if (known) return known
  const made: Names = {
    byRollout: new Map(),
    byLabel: new Map(),
    byCountedLabel: new Map(),
    byPackageHash: new Map(),
    byDigest: new Map(),
    byDigestStart: new Map(),
    byPlace: new Map(),
    byBuild: new Map(),
  }
  for (const rollout of catalog.rollouts) {
    const { target } = rollout
    if (target === 'embedded') continue
    made.byRollout.set(rollout.id, target)
    made.byLabel.set(labelOf(rollout), target)
    made.byCountedLabel.set(countedLabelOf(catalog, rollout), target)
    const packageHash = target.content.kind === 'archive' ? target.content.packageHash : undefined
    if (packageHash !== undefined && !made.byPackageHash.has(packageHash)) made.byPackageHash.set(packageHash, target)
    // A release for any platform may have the same build as one for this.
    if (target.buildId && !made.byBuild.has(target.buildId)) made.byBuild.set(target.buildId, target)
    // Two releases may have the same content: the one placed last.
    for (const digest of digestsOf(target.content)) {
      if (!made.byDigest.has(digest)) made.byDigest.set(digest, target)
      const start = digest.slice(0, DIGEST_START_LENGTH)
      const alike = made.byDigestStart.get(start) ?? []
      if (!alike.includes(target)) made.byDigestStart.set(start, [...alike, target])
      const place = placed({ digestStart: start, place: expoPlaceOf(rollout.id) })
      if (!made.byPlace.has(place)) made.byPlace.set(place, target)
    }
  }
  names.set(catalog, made)
  return made
}

function placed({ digestStart, place = 0 }: { digestStart: string; place?: number }): string {
  return `${digestStart} ${place}`
}
