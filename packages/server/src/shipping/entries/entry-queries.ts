import type { ContentKindName, Platform } from '@hotpatch/protocol'
import { sql } from 'kysely'
import type { Connection } from '../../ground/database/schema.ts'

/** Of the releases of a kind on a platform, the one before a sequence; archived ones count. */
export function findReleaseBefore(
  db: Connection,
  {
    app_id: appId,
    platform,
    kind,
    sequence,
  }: { app_id: string; platform: Platform; kind: ContentKindName; sequence: number },
): Promise<{ id: string } | undefined> {
  return db
    .selectFrom('release')
    .select('id')
    .where('app_id', '=', appId)
    .where('platform', '=', platform)
    .where('kind', '=', kind)
    .where('sequence', '<', sequence)
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** Compressed forms of a release's files, and of an archive that is packed as a whole. */
export function sumForms(db: Connection, releaseId: string) {
  const total = (column: string) => sql<number>`cast(sum(${sql.ref(column)}) as bigint)`
  return (
    db
      // The same bytes may lie under several paths, and are compressed once.
      .selectFrom((from) =>
        from
          .selectFrom('release_file')
          .select(['sha256', 'role', 'size_bytes'])
          .distinct()
          .where('release_id', '=', releaseId)
          .where('sha256', 'is not', null)
          .as('file'),
      )
      .innerJoin('artifact_variant', 'artifact_variant.sha256', 'file.sha256')
      .innerJoin('artifact', 'artifact.sha256', 'artifact_variant.variant_sha256')
      .select(['file.role', 'artifact_variant.algorithm'])
      .select(sql<number>`cast(count(*) as bigint)`.as('files'))
      .select([total('artifact.size_bytes').as('size_bytes'), total('file.size_bytes').as('full_bytes')])
      .where('artifact_variant.kind', '=', 'compressed')
      .groupBy(['file.role', 'artifact_variant.algorithm'])
      .orderBy('file.role')
      .orderBy('artifact_variant.algorithm')
      .execute()
  )
}
