import { sql } from 'kysely'
import type { Connection } from '../../ground/database/schema.ts'
import { startOfPeriod } from './writing/periods.ts'

/**
 * Events of an app for which there was no room: they count in all figures, and are missing where events are listed.
 * @param from in milliseconds since 1970; hours count whole, and `to` is the last moment of the time
 */
export async function countUnkept(
  db: Connection,
  appId: string,
  { from, to }: { from: number; to: number },
): Promise<number> {
  const { events } = await db
    .selectFrom('unkept_hour')
    .select(sql<number>`cast(coalesce(sum(events), 0) as bigint)`.as('events'))
    .where('app_id', '=', appId)
    .where('hour_at', '>=', startOfPeriod('hour', from))
    .where('hour_at', '<=', to)
    .executeTakeFirstOrThrow()
  return events
}
