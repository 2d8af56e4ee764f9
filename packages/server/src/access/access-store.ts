import type { Insertable } from 'kysely'
import type { PageRequest } from '../http/paging.ts'
import type { Connection, Schema } from '../database/schema.ts'

export function insertToken(db: Connection, token: Insertable<Schema['api_token']>) {
  return db.insertInto('api_token').values(token).execute()
}

export function findTokenByHash(db: Connection, hash: string) {
  return db.selectFrom('api_token').selectAll().where('token_hash', '=', hash).executeTakeFirst()
}

export function findToken(db: Connection, id: string) {
  return db.selectFrom('api_token').selectAll().where('id', '=', id).executeTakeFirst()
}

export function findAnyOwner(db: Connection) {
  return db.selectFrom('api_token').select('id').where('role', '=', 'owner').limit(1).executeTakeFirst()
}

/**
 * Until the transaction ends: of servers that start at once on an empty database, the others wait and find what the
 * first one has done.
 */
export function lockFirstStart(tx: Connection) {
  return tx
    .insertInto('server_setting')
    .values({ name: 'first-owner', value: 'made' })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: 'made' }))
    .execute()
}

/** Until the transaction ends, so that of two owners who revoke each other one stays. */
export function lockOwners(tx: Connection) {
  return tx
    .updateTable('api_token')
    .set((set) => ({ role: set.ref('role') }))
    .where('role', '=', 'owner')
    .execute()
}

/** Owners of everything, not of one app, whose tokens work. */
export function countOtherOwners(db: Connection, id: string, now: number) {
  return db
    .selectFrom('api_token')
    .select((query) => query.fn.countAll<number>().as('count'))
    .where('id', '!=', id)
    .where('role', '=', 'owner')
    .where('app_id', 'is', null)
    .where('revoked_at', 'is', null)
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now)]))
    .executeTakeFirstOrThrow()
}

export function listTokens(db: Connection, { after, limit }: PageRequest, appId: string | null) {
  return db
    .selectFrom('api_token')
    .selectAll()
    .$if(appId !== null, (query) => query.where('app_id', '=', appId))
    .$if(after !== undefined, (query) => query.where('id', '<', after ?? ''))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

export function revokeToken(db: Connection, id: string, now: number) {
  return db
    .updateTable('api_token')
    .set({ revoked_at: now })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .execute()
}

export function touchToken(db: Connection, id: string, now: number) {
  return db.updateTable('api_token').set({ last_used_at: now }).where('id', '=', id).execute()
}

export function insertRefreshToken(db: Connection, token: Insertable<Schema['refresh_token']>) {
  return db.insertInto('refresh_token').values(token).execute()
}

export function findRefreshToken(db: Connection, hash: string) {
  return db.selectFrom('refresh_token').selectAll().where('token_hash', '=', hash).executeTakeFirst()
}

/** Zero rows when someone else used it first. */
export async function useRefreshToken(db: Connection, id: string, now: number): Promise<boolean> {
  const result = await db
    .updateTable('refresh_token')
    .set({ used_at: now })
    .where('id', '=', id)
    .where('used_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

export function deleteRefreshTokensOf(db: Connection, tokenId: string) {
  return db.deleteFrom('refresh_token').where('token_id', '=', tokenId).execute()
}

export function deleteExpiredRefreshTokens(db: Connection, now: number) {
  return db.deleteFrom('refresh_token').where('expires_at', '<', now).execute()
}
