import type { Connection } from '../../ground/database/schema.ts'
import { placedReleases, type PlaceOfReleases } from '../content/placed-release-queries.ts'
import type { ReceivedBytes } from '../content/content-kind.ts'

/** What changed since other contents, by their package hashes. */
export type OfferedDiffs = ReadonlyMap<string, ReceivedBytes>

/** By the digest of the archive: of all releases that were ever placed there. */
export async function listPlacedDiffs(
  db: Connection,
  place: PlaceOfReleases,
): Promise<ReadonlyMap<string, OfferedDiffs>> {
  const rows = await db
    .selectFrom('package_diff')
    .innerJoin('artifact', 'artifact.sha256', 'package_diff.diff_sha256')
    .select(['package_diff.sha256', 'base_package', 'artifact.sha256 as diff', 'size_bytes'])
    .where('package_diff.sha256', 'in', (of) =>
      of
        .selectFrom('release_file')
        .select('sha256')
        .where('role', '=', 'archive')
        .where('sha256', 'is not', null)
        .where('release_id', 'in', placedReleases(db, place))
        .$castTo<{ sha256: string }>(),
    )
    .execute()
  const byArchive = Map.groupBy(rows, ({ sha256 }) => sha256)
  return new Map(
    [...byArchive].map(([sha256, diffs]) => [
      sha256,
      new Map(
        diffs.map(({ base_package, diff, size_bytes }) => [base_package, { sha256: diff, sizeBytes: size_bytes }]),
      ),
    ]),
  )
}
