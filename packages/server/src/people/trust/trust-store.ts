import type { Insertable } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { PageRequest } from '../../ground/http/paging.ts'

/** A rule, with what its own token grants and whether that still works. */
export type TrustRuleRow = Schema['trust_rule'] &
  Pick<Schema['api_token'], 'role' | 'app_id' | 'channels' | 'permissions' | 'person_id'> & {
    revoked_at: number | null
    expires_at: number | null
  }

function selectRules(db: Connection) {
  return db
    .selectFrom('trust_rule')
    .innerJoin('api_token', 'api_token.id', 'trust_rule.token_id')
    .selectAll('trust_rule')
    .select([
      'api_token.role',
      'api_token.app_id',
      'api_token.channels',
      'api_token.permissions',
      'api_token.person_id',
      'api_token.revoked_at',
      'api_token.expires_at',
    ])
}

export function insertRule(db: Connection, rule: Insertable<Schema['trust_rule']>) {
  return db.insertInto('trust_rule').values(rule).execute()
}

/** Until the transaction ends nobody else changes it. */
export function lockRule(tx: Connection, id: string) {
  return tx
    .updateTable('trust_rule')
    .set((set) => ({ name: set.ref('name') }))
    .where('id', '=', id)
    .execute()
}

export function updateRule(db: Connection, id: string, changes: Partial<Omit<Schema['trust_rule'], 'id'>>) {
  return db.updateTable('trust_rule').set(changes).where('id', '=', id).execute()
}

export function deleteRule(db: Connection, id: string) {
  return db.deleteFrom('trust_rule').where('id', '=', id).execute()
}

export function findRule(db: Connection, id: string): Promise<TrustRuleRow | undefined> {
  return selectRules(db).where('trust_rule.id', '=', id).executeTakeFirst()
}

export function findRuleByName(db: Connection, name: string) {
  return db.selectFrom('trust_rule').select('id').where('name', '=', name).executeTakeFirst()
}

/** @param ofApps null: those for every app, too */
export function listRules(
  db: Connection,
  { after, limit }: PageRequest,
  ofApps: readonly string[] | null,
): Promise<TrustRuleRow[]> {
  return selectRules(db)
    .$if(ofApps !== null, (rules) => rules.where('api_token.app_id', 'in', ofApps ?? []))
    .$if(after !== undefined, (rules) => rules.where('trust_rule.id', '<', after ?? ''))
    .orderBy('trust_rule.id', 'desc')
    .limit(limit + 1)
    .execute()
}

export function listRulesOf(db: Connection, issuer: string): Promise<TrustRuleRow[]> {
  return selectRules(db).where('trust_rule.issuer', '=', issuer).orderBy('trust_rule.id').execute()
}

export async function countRules(db: Connection): Promise<number> {
  const { count } = await db
    .selectFrom('trust_rule')
    .select((query) => query.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

export function touchRule(db: Connection, id: string, now: number) {
  return db.updateTable('trust_rule').set({ last_used_at: now }).where('id', '=', id).execute()
}

/** False when it was used before, also by somebody at this very moment. */
export async function useIdentityToken(db: Connection, digest: string, expiresAt: number): Promise<boolean> {
  const result = await db
    .insertInto('used_identity_token')
    .values({ digest, expires_at: expiresAt })
    .onConflict((conflict) => conflict.column('digest').doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

export function deleteExpiredIdentityTokens(db: Connection, now: number) {
  return db.deleteFrom('used_identity_token').where('expires_at', '<=', now).execute()
}
