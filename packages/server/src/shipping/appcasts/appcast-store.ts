import type { Connection, Schema } from '../../ground/database/schema.ts'
import { signedByWorkingKeys } from './appcast-queries.ts'

export type SignedAppcastRow = Schema['signed_appcast']

/** Which feed. */
export type AppcastPlace = Pick<SignedAppcastRow, 'app_id' | 'channel' | 'platform'>

/** In the place of one over the same bytes, as when a key was replaced. */
export async function putSignedAppcast(db: Connection, row: SignedAppcastRow): Promise<void> {
  const { id: _, app_id: __, channel: ___, platform: ____, sha256: _____, ...changed } = row
  await db
    .insertInto('signed_appcast')
    .values(row)
    .onConflict((conflict) => conflict.columns(['app_id', 'channel', 'platform', 'sha256']).doUpdateSet(changed))
    .execute()
}

/** Newest first, of keys that were not revoked. */
export function listSignedAppcasts(db: Connection, place: AppcastPlace): Promise<SignedAppcastRow[]> {
  return signedByWorkingKeys(db)
    .selectAll('signed_appcast')
    .where('signed_appcast.app_id', '=', place.app_id)
    .where('channel', '=', place.channel)
    .where('platform', '=', place.platform)
    .orderBy('signed_appcast.created_at', 'desc')
    .orderBy('signed_appcast.id', 'desc')
    .execute()
}

/** All but the newest so many. */
export async function dropOldAppcasts(db: Connection, place: AppcastPlace, kept: number): Promise<void> {
  const rows = await db
    .selectFrom('signed_appcast')
    .select('id')
    .where('app_id', '=', place.app_id)
    .where('channel', '=', place.channel)
    .where('platform', '=', place.platform)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
  const old = rows.slice(kept).map(({ id }) => id)
  if (old.length > 0) await db.deleteFrom('signed_appcast').where('id', 'in', old).execute()
}

/** When a rollout there was changed or began first, after a time and by now. */
export async function firstChangeAfter(
  db: Connection,
  { app_id, channel, platform }: AppcastPlace,
  { after, now }: { after: number; now: number },
): Promise<number | undefined> {
  let query = db
    .selectFrom('rollout')
    .select(['updated_at', 'starts_at'])
    .where('app_id', '=', app_id)
    .where('channel', '=', channel)
    .where((where) => where.or([where('updated_at', '>', after), where('starts_at', '>', after)]))
  if (platform !== 'each') query = query.where('platform', 'in', [platform, 'any'])
  const rows = await query.execute()
  const times = rows.flatMap(({ updated_at, starts_at }) => [updated_at, starts_at ?? 0])
  const found = times.filter((time) => time > after && time <= now)
  return found.length === 0 ? undefined : Math.min(...found)
}
