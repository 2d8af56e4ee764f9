import type { DeviceEventKind, DownloadArrival } from '@hotpatch/protocol'
import { sql } from 'kysely'
import type { Connection } from '../../ground/database/schema.ts'

/** Where a timeline goes on: behind this. */
export interface TimelinePosition {
  receivedAt: number
  occurredAt: number
  id: string
}

export type TimelineRow = Awaited<ReturnType<typeof listTimeline>>[number]

/**
 * Newest first; what came at once, in the order in which it happened. That a rollout was offered stands in the device's
 * progress with it, and is no row of its own among the events.
 */
export function listTimeline(
  db: Connection,
  appId: string,
  deviceId: string,
  { after, limit }: { after: TimelinePosition | undefined; limit: number },
) {
  return db
    .selectFrom(
      reportsOf(db, appId, deviceId)
        .unionAll(offersTo(db, appId, deviceId))
        .as('entry'),
    )
    .selectAll('entry')
    .$if(after !== undefined, (entries) =>
      entries.where(
        sql<boolean>`(received_at, occurred_at, id) < (${after?.receivedAt}, ${after?.occurredAt}, ${after?.id})`,
      ),
    )
    .orderBy('received_at', 'desc')
    .orderBy('occurred_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

function reportsOf(db: Connection, appId: string, deviceId: string) {
  return db
    .selectFrom('device_event')
    .leftJoin('rollout', 'rollout.id', 'device_event.rollout_id')
    .leftJoin('release', 'release.id', 'device_event.release_id')
    .select((select) => [
      'device_event.id',
      'device_event.kind',
      'device_event.release_id',
      select.fn.coalesce('device_event.version', 'release.version').as('version'),
      'device_event.code',
      'device_event.detail',
      'device_event.rollout_id',
      'device_event.received_bytes',
      'device_event.arrival',
      'device_event.component',
      'device_event.occurred_at',
      'device_event.received_at',
      'rollout.channel',
      'rollout.position',
    ])
    .where('device_event.app_id', '=', appId)
    .where('device_event.device_id', '=', deviceId)
}

function offersTo(db: Connection, appId: string, deviceId: string) {
  return db
    .selectFrom('rollout_device')
    .innerJoin('rollout', 'rollout.id', 'rollout_device.rollout_id')
    .leftJoin('release', 'release.id', 'rollout.release_id')
    .select([
      sql<string>`'offered-' || rollout_device.rollout_id`.as('id'),
      sql<DeviceEventKind>`'offered'`.as('kind'),
      'rollout.release_id',
      'release.version',
      sql<string | null>`cast(null as text)`.as('code'),
      sql<string | null>`cast(null as text)`.as('detail'),
      sql<string | null>`rollout_device.rollout_id`.as('rollout_id'),
      sql<number | null>`cast(null as bigint)`.as('received_bytes'),
      sql<DownloadArrival | null>`cast(null as text)`.as('arrival'),
      sql<string | null>`cast(null as text)`.as('component'),
      sql<number>`rollout_device.offered_at`.as('occurred_at'),
      sql<number>`rollout_device.offered_at`.as('received_at'),
      sql<string | null>`rollout.channel`.as('channel'),
      sql<number | null>`rollout.position`.as('position'),
    ])
    .where('rollout_device.device_id', '=', deviceId)
    .where('rollout_device.offered_at', 'is not', null)
    .where('rollout.app_id', '=', appId)
}
