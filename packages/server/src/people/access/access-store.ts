import type { Insertable } from 'kysely'
import type { PageRequest } from '../../ground/http/paging.ts'
import type { Connection, Schema } from '../../ground/database/schema.ts'

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
export function countOwners(db: Connection, now: number) {
  return db
    .selectFrom('api_token')
    .select((query) => query.fn.countAll<number>().as('count'))
    .where('role', '=', 'owner')
    .where('app_id', 'is', null)
    .where('revoked_at', 'is', null)
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now)]))
    .executeTakeFirstOrThrow()
}

/** Until the transaction ends it cannot be revoked. False when it was. */
export async function lockWorkingToken(tx: Connection, id: string): Promise<boolean> {
  const result = await tx
    .updateTable('api_token')
    .set((set) => ({ role: set.ref('role') }))
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Those that were made with this one, with those, and so on, and still work. */
export function listDescendants(db: Connection, id: string) {
  return db
    .withRecursive('descendant', (query) =>
      query
        .selectFrom('api_token')
        .select('api_token.id')
        .where('api_token.parent_id', '=', id)
        .union(
          query
            .selectFrom('api_token')
            .innerJoin('descendant', 'descendant.id', 'api_token.parent_id')
            .select('api_token.id'),
        ),
    )
    .selectFrom('api_token')
    .selectAll()
    .where('id', 'in', (query) => query.selectFrom('descendant').select('id'))
    .where('revoked_at', 'is', null)
    .orderBy('id')
    .execute()
}

/** Those that the person made and that still work. */
export function listTokensOfPerson(db: Connection, personId: string) {
  return db
    .selectFrom('api_token')
    .selectAll()
    .where('person_id', '=', personId)
    .where('revoked_at', 'is', null)
    .orderBy('id')
    .execute()
}

/** Those that were made with this one go on as if another had made them. */
export function adoptChildren(db: Connection, id: string, newParentId: string | null) {
  return db.updateTable('api_token').set({ parent_id: newParentId }).where('parent_id', '=', id).execute()
}

/** Those of people and machines that keep them: rules of CI jobs, and what jobs get by them, are told with the rules. */
export function listTokens(
  db: Connection,
  { after, limit }: PageRequest,
  { ended, ofApps, now }: { ended: boolean | undefined; ofApps: readonly string[] | null; now: number },
) {
  return db
    .selectFrom('api_token')
    .selectAll()
    .where('trust_rule_id', 'is', null)
    .$if(ofApps !== null, (query) => query.where('app_id', 'in', ofApps ?? []))
    .$if(ended === true, (query) =>
      query.where((row) => row.or([row('revoked_at', 'is not', null), row('expires_at', '<=', now)])),
    )
    .$if(ended === false, (query) =>
      query
        .where('revoked_at', 'is', null)
        .where((row) => row.or([row('expires_at', 'is', null), row('expires_at', '>', now)])),
    )
    .$if(after !== undefined, (query) => query.where('id', '<', after ?? ''))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

export function revokeTokens(db: Connection, ids: readonly string[], now: number) {
  return db
    .updateTable('api_token')
    .set({ revoked_at: now })
    .where('id', 'in', ids)
    .where('revoked_at', 'is', null)
    .execute()
}

/** Another stands behind them from now on. */
export function handTokensOver(db: Connection, personId: string, newPersonId: string | null) {
  return db.updateTable('api_token').set({ person_id: newPersonId }).where('person_id', '=', personId).execute()
}

export function touchToken(db: Connection, id: string, now: number) {
  return db.updateTable('api_token').set({ last_used_at: now }).where('id', '=', id).execute()
}

export function insertFamily(db: Connection, family: Insertable<Schema['token_family']>) {
  return db.insertInto('token_family').values(family).execute()
}

/** The API token that an access token of this family stands for, while the family lasts. */
export function findTokenOfFamily(db: Connection, familyId: string) {
  return db
    .selectFrom('token_family')
    .innerJoin('api_token', 'api_token.id', 'token_family.token_id')
    .selectAll('api_token')
    .where('token_family.id', '=', familyId)
    .where('token_family.ended_at', 'is', null)
    .executeTakeFirst()
}

export function extendFamily(db: Connection, id: string, expiresAt: number) {
  return db.updateTable('token_family').set({ expires_at: expiresAt }).where('id', '=', id).execute()
}

/** Its refresh tokens stay known until they expire, so that whoever comes with one hears what happened. */
export function endFamily(db: Connection, id: string, now: number) {
  return db
    .updateTable('token_family')
    .set({ ended_at: now })
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    .execute()
}

export function endFamiliesOf(db: Connection, tokenIds: readonly string[], now: number) {
  return db
    .updateTable('token_family')
    .set({ ended_at: now })
    .where('token_id', 'in', tokenIds)
    .where('ended_at', 'is', null)
    .execute()
}

/** Of all tokens. How many there were. */
export async function endAllFamilies(db: Connection, now: number): Promise<number> {
  const query = db.updateTable('token_family').set({ ended_at: now }).where('ended_at', 'is', null)
  return Number((await query.executeTakeFirst()).numUpdatedRows)
}

/** With their refresh tokens. */
export function deleteExpiredFamilies(db: Connection, now: number) {
  return db.deleteFrom('token_family').where('expires_at', '<', now).execute()
}

export function insertRefreshToken(db: Connection, token: Insertable<Schema['refresh_token']>) {
  return db.insertInto('refresh_token').values(token).execute()
}

export function findRefreshToken(db: Connection, hash: string) {
  return db
    .selectFrom('refresh_token')
    .innerJoin('token_family', 'token_family.id', 'refresh_token.family_id')
    .selectAll('refresh_token')
    .select(['token_family.token_id', 'token_family.ended_at'])
    .where('token_hash', '=', hash)
    .executeTakeFirst()
}

/** False when someone else used it first. */
export async function useRefreshToken(db: Connection, id: string, now: number): Promise<boolean> {
  const result = await db
    .updateTable('refresh_token')
    .set({ used_at: now })
    .where('id', '=', id)
    .where('used_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

export function deleteExpiredRefreshTokens(db: Connection, now: number) {
  return db.deleteFrom('refresh_token').where('expires_at', '<', now).execute()
}

/** Of CI jobs that may still run: not a rule's own. */
export function listTokensOfJobs(db: Connection, now: number) {
  return db
    .selectFrom('api_token')
    .innerJoin('api_token as own', 'own.id', 'api_token.parent_id')
    .whereRef('own.trust_rule_id', '=', 'api_token.trust_rule_id')
    .selectAll('api_token')
    .where('api_token.revoked_at', 'is', null)
    .where('api_token.expires_at', '>', now)
    .orderBy('api_token.id')
    .execute()
}

const IDENTITY_TOKENS_SINCE = 'identity-tokens-since'

/** What an issuer has signed before is not exchanged any more. */
export function setIdentityTokensSince(db: Connection, since: number) {
  const value = String(since)
  return db
    .insertInto('server_setting')
    .values({ name: IDENTITY_TOKENS_SINCE, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute()
}

export async function findIdentityTokensSince(db: Connection): Promise<number> {
  const row = await db
    .selectFrom('server_setting')
    .select('value')
    .where('name', '=', IDENTITY_TOKENS_SINCE)
    .executeTakeFirst()
  return Number(row?.value ?? 0)
}

/** Of CI jobs, long over. Not a rule's own, nor those that others were made with. */
export function deleteTokensOfJobs(db: Connection, expiredBefore: number) {
  return db
    .deleteFrom('api_token')
    .where('expires_at', '<', expiredBefore)
    .where('trust_rule_id', 'is not', null)
    .where('id', 'in', (query) =>
      query
        .selectFrom('api_token as job')
        .innerJoin('api_token as own', 'own.id', 'job.parent_id')
        .whereRef('own.trust_rule_id', '=', 'job.trust_rule_id')
        .select('job.id'),
    )
    .where('id', 'not in', (query) =>
      query.selectFrom('api_token as child').where('child.parent_id', 'is not', null).select('child.parent_id'),
    )
    .where('id', 'not in', (query) => query.selectFrom('token_family').select('token_family.token_id'))
    .execute()
}
