import type { Connection } from '../database/schema.ts'

/** Whether anything of an app names a device by the id that the server knows it by. */
export async function knowsDevices(db: Connection, appId: string): Promise<boolean> {
  const device = await db.selectFrom('device').select('device_id').where('app_id', '=', appId).limit(1).execute()
  const event = await db.selectFrom('device_event').select('id').where('app_id', '=', appId).limit(1).execute()
  const member = await db
    .selectFrom('cohort_member')
    .innerJoin('cohort', 'cohort.id', 'cohort_member.cohort_id')
    .select('device_id')
    .where('app_id', '=', appId)
    .limit(1)
    .execute()
  return device.length + event.length + member.length > 0
}
