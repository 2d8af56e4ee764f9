import type { NewReleaseVariant } from '@hotpatch/api'
import type { Connection } from '../ground/database/schema.ts'
import { NOTHING_HELD, type HeldContent } from './held-files.ts'
import type { OfferedVariantFile } from './held-file-queries.ts'
import { placedReleases, type PlaceOfReleases } from '../shipping/content/placed-release-queries.ts'

/** A release as its publisher has encrypted it for one key (Content §8.2). */
export interface OfferedVariant extends Omit<NewReleaseVariant, 'files'> {
  id: string
  /** Of the encrypted zip. */
  sha256: string
  sizeBytes: number
  /** Its encrypted files, where there are some and they are in memory. */
  held: HeldContent<OfferedVariantFile>
}

export const NO_VARIANTS: readonly OfferedVariant[] = []

/** By release: of all that were ever placed there. */
export async function loadVariants(
  db: Connection,
  place: PlaceOfReleases,
): Promise<ReadonlyMap<string, readonly OfferedVariant[]>> {
  const rows = await db
    .selectFrom('release_variant')
    .selectAll()
    .where('release_id', 'in', placedReleases(db, place))
    .orderBy('id')
    .execute()
  const variants = rows.map(({ id, release_id, algorithm, key_id, facts, sha256, size_bytes }) => {
    const { sessionKey, checksum } = JSON.parse(facts) as Pick<OfferedVariant, 'sessionKey' | 'checksum'>
    const variant: OfferedVariant = {
      id,
      algorithm: algorithm as OfferedVariant['algorithm'],
      keyId: key_id,
      sessionKey,
      checksum,
      sha256,
      sizeBytes: size_bytes,
      held: NOTHING_HELD,
    }
    return { releaseId: release_id, variant }
  })
  const byRelease = Map.groupBy(variants, ({ releaseId }) => releaseId)
  return new Map([...byRelease].map(([id, entries]) => [id, entries.map(({ variant }) => variant)]))
}
