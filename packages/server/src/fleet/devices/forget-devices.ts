import { forgetMembers } from './forget-memberships.ts'
import { sql } from 'kysely'
import type { Connection } from '../../ground/database/schema.ts'
import { isSqlite } from '../../ground/database/sqlite-dialect.ts'

/** Each with the average size of all. */
export async function countDeletedEvents(db: Connection, appId: string, deleted: number): Promise<void> {
  if (deleted === 0) return
  await db
    .updateTable('event_usage')
    .set({
      bytes: sql<number>`case when events <= ${deleted} then 0 else bytes - (bytes / events) * ${deleted} end`,
      events: sql<number>`case when events <= ${deleted} then 0 else events - ${deleted} end`,
    })
    .where('app_id', '=', appId)
    .execute()
}

/** Some of what devices of an app reported. @returns how many */
export async function deleteSomeEvents(
  db: Connection,
  appId: string,
  deviceIds: readonly string[],
  limit: number,
): Promise<number> {
  if (deviceIds.length === 0) return 0
  const { numDeletedRows } = await db
    .deleteFrom('device_event')
    .where('app_id', '=', appId)
    .where('id', 'in', (events) =>
      events
        .selectFrom('device_event')
        .select('id')
        .where('app_id', '=', appId)
        .where('device_id', 'in', deviceIds)
        .limit(limit),
    )
    .executeTakeFirstOrThrow()
  const deleted = Number(numDeletedRows)
  await countDeletedEvents(db, appId, deleted)
  return deleted
}

/**
 * Those of the devices that were not seen since. They are locked until the transaction ends, in the order in which
 * batches lock them.
 */
export async function lockDevices(
  tx: Connection,
  appId: string,
  deviceIds: readonly string[],
  seenBefore = Number.MAX_SAFE_INTEGER,
) {
  if (deviceIds.length === 0) return []
  return tx
    .selectFrom('device')
    .selectAll()
    .where('app_id', '=', appId)
    .where('device_id', 'in', deviceIds)
    .where('last_seen_at', '<', seenBefore)
    .orderBy('device_id')
    .$if(!isSqlite(tx), (devices) => devices.forUpdate())
    .execute()
}

/**
 * All that is known of locked devices. What was counted stays: it names nobody.
 * @returns whether any was in a cohort: then the cohorts are to be raised after the commit
 */
export async function deleteDevices(tx: Connection, appId: string, deviceIds: readonly string[]): Promise<boolean> {
  if (deviceIds.length === 0) return false
  for (const table of ['device', 'device_event', 'device_failure'] as const) {
    const { numDeletedRows } = await tx
      .deleteFrom(table)
      .where('app_id', '=', appId)
      .where('device_id', 'in', deviceIds)
      .executeTakeFirstOrThrow()
    if (table === 'device_event') await countDeletedEvents(tx, appId, Number(numDeletedRows))
  }
  // Apps that take ids as given may share some.
  await tx
    .deleteFrom('rollout_device')
    .where('device_id', 'in', deviceIds)
    .where('rollout_id', 'in', (rollouts) => rollouts.selectFrom('rollout').select('id').where('app_id', '=', appId))
    .execute()
  return forgetMembers(tx, appId, deviceIds)
}
