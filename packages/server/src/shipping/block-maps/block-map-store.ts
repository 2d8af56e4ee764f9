import type { BinaryFormatName } from '@hotpatch/api'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { SourceBytes } from '../making/make-from-artifact.ts'

/** What clients put together from what they have and what changed. */
const MAPPED: readonly BinaryFormatName[] = ['appimage', 'exe', 'zip']

export interface AwaitingFile extends SourceBytes {
  /** Whether its tool writes the map into the file itself. */
  mayEmbed: boolean
}

/** Of releases, newest first. */
export async function listAwaitingMaps(db: Connection, limit: number): Promise<AwaitingFile[]> {
  const rows = await db
    .selectFrom('release_file')
    .leftJoin('block_map', 'block_map.sha256', 'release_file.sha256')
    .select(['release_file.sha256', 'size_bytes', 'format'])
    .where('role', '=', 'binary')
    .where('format', 'in', MAPPED)
    .where('release_file.sha256', 'is not', null)
    .where('block_map.sha256', 'is', null)
    .orderBy('release_id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ sha256, size_bytes, format }) => ({
    sha256: sha256 ?? '',
    sizeBytes: size_bytes,
    mayEmbed: format === 'appimage',
  }))
}

/** Another server may have made the same meanwhile. */
export async function insertBlockMap(tx: Connection, row: Schema['block_map']): Promise<void> {
  await tx
    .insertInto('block_map')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
