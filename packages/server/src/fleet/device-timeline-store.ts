import { sql } from 'kysely'
import type { Connection } from '../database/schema.ts'

/** Where a timeline goes on: behind this. */
export interface TimelinePosition {
  receivedAt: number
  occurredAt: number
  id: string
}

export type TimelineRow = Awaited<ReturnType<typeof listTimeline>>[number]

/** Newest first; what came at once, in the order in which it happened. */
export function listTimeline(
  db: Connection,
  appId: string,
  deviceId: string,
  { after, limit }: { after: TimelinePosition | undefined; limit: number },
) {
  return db
    .selectFrom('device_event')
    .leftJoin('rollout', 'rollout.id', 'device_event.rollout_id')
    .leftJoin('release', 'release.id', 'device_event.release_id')
    .selectAll('device_event')
    .select(['rollout.channel', 'rollout.position', 'release.version as release_version'])
    .where('device_event.app_id', '=', appId)
    .where('device_event.device_id', '=', deviceId)
    .$if(after !== undefined, (events) =>
      events.where(
        sql<boolean>`(device_event.received_at, device_event.occurred_at, device_event.id) < (${after?.receivedAt}, ${after?.occurredAt}, ${after?.id})`,
      ),
    )
    .orderBy('device_event.received_at', 'desc')
    .orderBy('device_event.occurred_at', 'desc')
    .orderBy('device_event.id', 'desc')
    .limit(limit)
    .execute()
}
