import type { Platform } from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'

/** The highest of these platforms' sequences; every platform's when `platforms` is null. */
export async function findLastSequence(
  db: Connection,
  appId: string,
  platforms: readonly Platform[] | null,
): Promise<number> {
  const row = await db
    .selectFrom('platform_sequence')
    .select((query) => query.fn.max('last_sequence').as('last'))
    .where('app_id', '=', appId)
    .$if(platforms !== null, (rows) => rows.where('platform', 'in', platforms ?? []))
    .executeTakeFirst()
  return row?.last ?? 0
}

/** Takes `sequence` if it is above every earlier one of the platform; false when someone else has taken it. */
export async function takeSequence(
  db: Connection,
  appId: string,
  platform: Platform,
  sequence: number,
): Promise<boolean> {
  const result = await db
    .insertInto('platform_sequence')
    .values({ app_id: appId, platform, last_sequence: sequence })
    .onConflict((conflict) =>
      conflict
        .columns(['app_id', 'platform'])
        .doUpdateSet({ last_sequence: sequence })
        .where('platform_sequence.last_sequence', '<', sequence),
    )
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}
