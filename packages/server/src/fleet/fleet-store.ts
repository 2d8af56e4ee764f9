import type { Connection, Schema } from '../database/schema.ts'

export type DeviceRow = Schema['device']
export type DeviceEventRow = Schema['device_event']
export type DeviceFailureRow = Schema['device_failure']

/** Stands for what a report did not tell, in columns that are never null. */
export const UNTOLD = { platform: 'any', channel: '' } as const

/** Newest first. */
export function listFailuresSince(db: Connection, since: number, limit: number) {
  return db
    .selectFrom('device_failure')
    .selectAll()
    .where('failed_at', '>=', since)
    .orderBy('failed_at', 'desc')
    .limit(limit)
    .execute()
}
