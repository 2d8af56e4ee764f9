import { sql, type SqlBool } from 'kysely'
import { DAY_MS } from '../../ground/clock.ts'
import { countDeletedEvents } from '../devices/forget-devices.ts'
import type { Connection, Schema } from '../../ground/database/schema.ts'

const CURSOR = 'retention-cursor'

export function listRetentions(db: Connection) {
  return db.selectFrom('app').select(['id', 'event_retention_days', 'device_retention_days']).orderBy('id').execute()
}

/** @returns how many */
export async function deleteEventsBefore(
  db: Connection,
  appId: string,
  receivedAt: number,
  limit: number,
): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('device_event')
    .where('app_id', '=', appId)
    .where('id', 'in', (events) =>
      events
        .selectFrom('device_event')
        .select('id')
        .where('app_id', '=', appId)
        .where('received_at', '<', receivedAt)
        .orderBy('received_at')
        .limit(limit),
    )
    .executeTakeFirstOrThrow()
  const deleted = Number(numDeletedRows)
  await countDeletedEvents(db, appId, deleted)
  return deleted
}

/** Where a walk over the devices of an app stands. */
export interface SeenPosition {
  lastSeenAt: number
  deviceId: string
}

/** Those not seen since, the longest unseen first. */
export function listUnseen(db: Connection, appId: string, after: SeenPosition, seenBefore: number, limit: number) {
  return db
    .selectFrom('device')
    .select(['device_id', 'last_seen_at', 'gone_at'])
    .where('app_id', '=', appId)
    .where('last_seen_at', '<', seenBefore)
    .where(sql<SqlBool>`(last_seen_at, device_id) > (${after.lastSeenAt}, ${after.deviceId})`)
    .orderBy('last_seen_at')
    .orderBy('device_id')
    .limit(limit)
    .execute()
}

/** Each by its own time. */
export async function setGone(tx: Connection, appId: string, deviceIds: readonly string[], afterMs: number) {
  await tx
    .updateTable('device')
    .set((set) => ({ gone_at: set('last_seen_at', '+', afterMs) }))
    .where('app_id', '=', appId)
    .where('device_id', 'in', deviceIds)
    .execute()
}

export async function insertEvents(tx: Connection, events: readonly Schema['device_event'][]): Promise<void> {
  await tx
    .insertInto('device_event')
    .values([...events])
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Where a walk over all progress stands: behind this row. */
export interface ProgressPosition {
  deviceId: string
  rolloutId: string
}

/** The end of the next rows to look at; undefined when there are not that many. */
export async function findProgressAhead(db: Connection, after: ProgressPosition, count: number) {
  const row = await db
    .selectFrom('rollout_device')
    .select(['device_id', 'rollout_id'])
    .where(isBehind(after))
    .orderBy('device_id')
    .orderBy('rollout_id')
    .limit(1)
    .offset(count - 1)
    .executeTakeFirst()
  return row && { deviceId: row.device_id, rolloutId: row.rollout_id }
}

/**
 * What is older than the app keeps events, unless it is of what the device was offered last or runs.
 * @param until the last row to look at; all that follow when there is none
 * @returns how many
 */
export async function deleteOldProgress(
  db: Connection,
  after: ProgressPosition,
  until: ProgressPosition | undefined,
  now: number,
): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('rollout_device')
    .where(isBehind(after))
    .$if(until !== undefined, (rows) =>
      rows.where(sql<SqlBool>`(device_id, rollout_id) <= (${until?.deviceId}, ${until?.rolloutId})`),
    )
    .where((where) =>
      where.exists(
        where
          .selectFrom('rollout')
          .innerJoin('app', 'app.id', 'rollout.app_id')
          .select('rollout.id')
          .whereRef('rollout.id', '=', 'rollout_device.rollout_id')
          .where(
            sql<SqlBool>`rollout_device.changed_at < cast(${now} as bigint) - app.event_retention_days * cast(${sql.lit(DAY_MS)} as bigint)`,
          )
          .where(({ not, exists, selectFrom }) =>
            not(
              exists(
                selectFrom('device')
                  .select('device.device_id')
                  .whereRef('device.app_id', '=', 'rollout.app_id')
                  .whereRef('device.device_id', '=', 'rollout_device.device_id')
                  .whereRef('device.rollout_id', '=', 'rollout_device.rollout_id'),
              ),
            ),
          ),
      ),
    )
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}

function isBehind({ deviceId, rolloutId }: ProgressPosition) {
  return sql<SqlBool>`(device_id, rollout_id) > (${deviceId}, ${rolloutId})`
}

/** Where the walk over all progress went to the last time, on whichever server. */
export async function readCursor(db: Connection): Promise<ProgressPosition> {
  const row = await db.selectFrom('server_setting').select('value').where('name', '=', CURSOR).executeTakeFirst()
  return row ? (JSON.parse(row.value) as ProgressPosition) : { deviceId: '', rolloutId: '' }
}

export async function writeCursor(db: Connection, position: ProgressPosition): Promise<void> {
  const value = JSON.stringify(position)
  await db
    .insertInto('server_setting')
    .values({ name: CURSOR, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute()
}

/** Ranks are of one day, and no guard looks back further than its window. */
export function deleteNetworksBefore(db: Connection, dayAt: number) {
  return db.deleteFrom('rollout_network').where('day_at', '<', dayAt).execute()
}

export function deleteSourcesBefore(db: Connection, writtenAt: number) {
  return db.deleteFrom('fleet_source').where('written_at', '<', writtenAt).execute()
}
