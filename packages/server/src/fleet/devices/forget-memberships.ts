import type { Connection } from '../../ground/database/schema.ts'

/**
 * Takes devices out of the cohorts of an app, in the transaction that forgets them.
 * @returns whether any was in one: then the cohorts are to be raised after the commit
 */
export async function forgetMembers(tx: Connection, appId: string, deviceIds: readonly string[]): Promise<boolean> {
  const cohorts = await tx
    .selectFrom('cohort')
    .innerJoin('cohort_member', 'cohort_member.cohort_id', 'cohort.id')
    .select('cohort.id')
    .distinct()
    .where('cohort.app_id', '=', appId)
    .where('cohort_member.device_id', 'in', deviceIds)
    .orderBy('cohort.id')
    .execute()
  if (cohorts.length === 0) return false
  const ids = cohorts.map(({ id }) => id)
  await tx
    .updateTable('cohort')
    .set((set) => ({ generation: set('generation', '+', 1) }))
    .where('id', 'in', ids)
    .execute()
  await tx.deleteFrom('cohort_member').where('cohort_id', 'in', ids).where('device_id', 'in', deviceIds).execute()
  return true
}
