import type { Connection } from '../../ground/database/schema.ts'
import { placedReleases, type PlaceOfReleases } from '../content/placed-release-queries.ts'
import type { TreePatchFormat } from './tree-patch-formats.ts'

/** What makes the tree of a release of the one that a device has. */
export interface OfferedPatch {
  format: TreePatchFormat
  sha256: string
  sizeBytes: number
  /** Content §3.1. */
  baseTree: string
  tree: string
}

/** By the digest of the archive that a device runs. */
export type OfferedPatches = ReadonlyMap<string, readonly OfferedPatch[]>

/** By the digest of the archive that they lead to: of all releases that were ever placed there. */
export async function listPlacedPatches(
  db: Connection,
  place: PlaceOfReleases,
): Promise<ReadonlyMap<string, OfferedPatches>> {
  const rows = await db
    .selectFrom('tree_patch')
    .innerJoin('artifact_variant', (join) =>
      join
        .onRef('artifact_variant.sha256', '=', 'tree_patch.sha256')
        .onRef('artifact_variant.base_sha256', '=', 'tree_patch.base_sha256')
        .on('artifact_variant.kind', '=', 'patch'),
    )
    .innerJoin('artifact', 'artifact.sha256', 'artifact_variant.variant_sha256')
    .select(['tree_patch.sha256', 'tree_patch.base_sha256', 'tree', 'base_tree', 'algorithm', 'size_bytes'])
    .select('artifact.sha256 as patch')
    .where('tree_patch.app_id', '=', place.appId)
    .where('state', '=', 'made')
    .where('tree_patch.sha256', 'in', (of) =>
      of
        .selectFrom('release_file')
        .select('sha256')
        .where('role', '=', 'archive')
        .where('sha256', 'is not', null)
        .where('release_id', 'in', placedReleases(db, place))
        .$castTo<{ sha256: string }>(),
    )
    .orderBy('size_bytes')
    .orderBy('patch')
    .execute()
  const patches = rows.map(({ sha256, base_sha256, tree, base_tree, algorithm, size_bytes, patch }) => ({
    target: sha256,
    base: base_sha256,
    patch: {
      format: algorithm as TreePatchFormat,
      sha256: patch,
      sizeBytes: size_bytes,
      baseTree: base_tree ?? '',
      tree: tree ?? '',
    },
  }))
  return new Map(
    [...Map.groupBy(patches, ({ target }) => target)].map(([target, ofTarget]) => {
      const byBase = Map.groupBy(ofTarget, ({ base }) => base)
      return [target, new Map([...byBase].map(([base, each]) => [base, each.map(({ patch }) => patch)]))]
    }),
  )
}
