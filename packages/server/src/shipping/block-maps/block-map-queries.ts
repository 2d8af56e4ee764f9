import type { Connection } from '../../ground/database/schema.ts'
import type { OfferedBinaryFile } from '../content/binary/binary-kind.ts'
import { placedReleases, type PlaceOfReleases } from '../content/placed-release-queries.ts'

/** By the digest of the file: of all releases that were ever placed there. */
export async function listPlacedMaps(
  db: Connection,
  place: PlaceOfReleases,
): Promise<ReadonlyMap<string, Pick<OfferedBinaryFile, 'blockMap' | 'embeddedMapBytes'>>> {
  const rows = await db
    .selectFrom('block_map')
    .leftJoin('artifact', 'artifact.sha256', 'block_map.map_sha256')
    .select(['block_map.sha256', 'map_sha256', 'embedded_bytes', 'size_bytes'])
    .where('block_map.sha256', 'in', (of) =>
      of
        .selectFrom('release_file')
        .select('sha256')
        .where('role', '=', 'binary')
        .where('sha256', 'is not', null)
        .where('release_id', 'in', placedReleases(db, place))
        .$castTo<{ sha256: string }>(),
    )
    .execute()
  return new Map(
    rows.map(({ sha256, map_sha256, embedded_bytes, size_bytes }) => [
      sha256,
      {
        ...(map_sha256 !== null && size_bytes !== null && { blockMap: { sha256: map_sha256, sizeBytes: size_bytes } }),
        ...(embedded_bytes !== null && { embeddedMapBytes: embedded_bytes }),
      },
    ]),
  )
}
