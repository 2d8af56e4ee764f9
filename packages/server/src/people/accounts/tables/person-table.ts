import type { HeldGrant, Role } from '@hotpatch/api'
import { sql, type Insertable } from 'kysely'
import type { Connection, Schema } from '../../../ground/database/schema.ts'
import type { PageRequest } from '../../../ground/http/paging.ts'

export type PersonRow = Schema['person']
export interface GrantRow {
  role: Role
  app_id: string | null
}

export function insertPerson(db: Connection, person: Insertable<Schema['person']>) {
  return db.insertInto('person').values(person).execute()
}

export function findPerson(db: Connection, id: string) {
  return db.selectFrom('person').selectAll().where('id', '=', id).executeTakeFirst()
}

export function findPersonByEmail(db: Connection, email: string) {
  return db.selectFrom('person').selectAll().where('email', '=', email).executeTakeFirst()
}

/** In one statement, so that it takes as long whoever is there. */
export function findPasswordOf(db: Connection, email: string) {
  return db
    .selectFrom('person')
    .leftJoin('sign_in_method', (join) =>
      join.onRef('sign_in_method.person_id', '=', 'person.id').on('sign_in_method.provider_id', '=', 'credential'),
    )
    .select(['person.id', 'person.disabled_at', 'sign_in_method.password'])
    .where('person.email', '=', email)
    .executeTakeFirst()
}

/** @param of only people with a grant for one of these apps, unless it is null */
export function listPersons(db: Connection, of: readonly string[] | null, text: string, { after, limit }: PageRequest) {
  return db
    .selectFrom('person')
    .selectAll()
    .$if(of !== null, (people) =>
      people.where('id', 'in', (query) =>
        query
          .selectFrom('person_grant')
          .select('person_id')
          .where('app_id', 'in', [...(of ?? []), '']),
      ),
    )
    .$if(text !== '', (people) => people.where((where) => where.or([contains('name', text), contains('email', text)])))
    .$if(after !== undefined, (people) => people.where('id', '<', after ?? ''))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

function contains(column: 'name' | 'email', text: string) {
  const pattern = `%${text.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`
  return sql<boolean>`lower(${sql.ref(column)}) like ${pattern} escape '\\'`
}

export function updatePerson(db: Connection, id: string, changes: Partial<Omit<PersonRow, 'id'>>) {
  return db.updateTable('person').set(changes).where('id', '=', id).execute()
}

/** With everything that is theirs alone. */
export function deletePerson(db: Connection, id: string) {
  return db.deleteFrom('person').where('id', '=', id).execute()
}

export function listGrants(db: Connection, personIds: readonly string[]) {
  return db
    .selectFrom('person_grant')
    .select(['person_id', 'role', 'app_id', 'source'])
    .where('person_id', 'in', [...personIds, ''])
    .orderBy('id')
    .execute()
}

/** Who gave them: people, or the person's groups at the newest sign-in. */
export type GrantSource = HeldGrant['source']

export function listGrantsBySource(db: Connection, personId: string, source: GrantSource): Promise<GrantRow[]> {
  return db
    .selectFrom('person_grant')
    .select(['role', 'app_id'])
    .where('person_id', '=', personId)
    .where('source', '=', source)
    .orderBy('id')
    .execute()
}

/** Those of this source; what others gave stays. */
export async function replaceGrants(
  db: Connection,
  personId: string,
  grants: readonly GrantRow[],
  newId: () => string,
  source: GrantSource = 'people',
) {
  await db.deleteFrom('person_grant').where('person_id', '=', personId).where('source', '=', source).execute()
  if (grants.length === 0) return
  const rows = grants.map(({ role, app_id }) => ({ id: newId(), person_id: personId, role, app_id, source }))
  await db.insertInto('person_grant').values(rows).execute()
}

export function findAnyOwnerPerson(db: Connection) {
  return db
    .selectFrom('person_grant')
    .select('person_id')
    .where('role', '=', 'owner')
    .where('app_id', 'is', null)
    .limit(1)
    .executeTakeFirst()
}

/** Until the transaction ends, so that of two owners who end each other one stays. */
export function lockOwnerPersons(tx: Connection) {
  return tx
    .updateTable('person_grant')
    .set((set) => ({ role: set.ref('role') }))
    .where('role', '=', 'owner')
    .where('app_id', 'is', null)
    .execute()
}

export function countOwnerPersons(db: Connection) {
  return db
    .selectFrom('person_grant')
    .innerJoin('person', 'person.id', 'person_grant.person_id')
    .select((query) => query.fn.countAll<number>().as('count'))
    .where('person_grant.role', '=', 'owner')
    .where('person_grant.app_id', 'is', null)
    .where('person.disabled_at', 'is', null)
    .executeTakeFirstOrThrow()
}

export function listMethods(db: Connection, personIds: readonly string[]) {
  return db
    .selectFrom('sign_in_method')
    .select(['person_id', 'provider_id'])
    .where('person_id', 'in', [...personIds, ''])
    .execute()
}

/** Whether by single sign-on, too. */
export async function signsInElsewhere(db: Connection, personId: string): Promise<boolean> {
  return (await listMethods(db, [personId])).some(({ provider_id: by }) => by !== 'credential')
}

export function countPasskeys(db: Connection, personIds: readonly string[]) {
  return db
    .selectFrom('passkey')
    .select(['person_id', (query) => query.fn.countAll<number>().as('count')])
    .where('person_id', 'in', [...personIds, ''])
    .groupBy('person_id')
    .execute()
}

/** The one that the person has, from now on. */
export async function setPassword(
  db: Connection,
  personId: string,
  password: string,
  { id, now }: { id: string; now: number },
) {
  await removePassword(db, personId)
  await db
    .insertInto('sign_in_method')
    .values({
      id,
      person_id: personId,
      provider_id: 'credential',
      account_id: personId,
      password,
      access_token: null,
      refresh_token: null,
      id_token: null,
      access_token_expires_at: null,
      refresh_token_expires_at: null,
      scope: null,
      created_at: now,
      updated_at: now,
    })
    .execute()
}

export function removePassword(db: Connection, personId: string) {
  return db
    .deleteFrom('sign_in_method')
    .where('person_id', '=', personId)
    .where('provider_id', '=', 'credential')
    .execute()
}

export async function removeSecondFactors(db: Connection, personId: string) {
  await db.deleteFrom('two_factor').where('person_id', '=', personId).execute()
  await db.deleteFrom('passkey').where('person_id', '=', personId).execute()
  await db.updateTable('person').set({ two_factor_enabled: 0 }).where('id', '=', personId).execute()
}

export function listSessions(db: Connection, personId: string, now: number) {
  return db
    .selectFrom('person_session')
    .selectAll()
    .where('person_id', '=', personId)
    .where('expires_at', '>', now)
    .orderBy('id', 'desc')
    .limit(200)
    .execute()
}

export function endSessions(db: Connection, personId: string) {
  return db.deleteFrom('person_session').where('person_id', '=', personId).execute()
}

export async function endSession(db: Connection, personId: string, id: string): Promise<boolean> {
  const query = db.deleteFrom('person_session').where('person_id', '=', personId).where('id', '=', id)
  return (await query.executeTakeFirst()).numDeletedRows > 0n
}

/** How many there were. */
export async function endSessionsOfAll(db: Connection): Promise<number> {
  return Number((await db.deleteFrom('person_session').executeTakeFirst()).numDeletedRows)
}

/** Second steps, and ceremonies of passkeys. */
export function deleteSignInsUnderWay(db: Connection) {
  return db.deleteFrom('sign_in_verification').execute()
}

/** @param personId undefined: of everybody */
export function endSessionsBySingleSignOn(db: Connection, personId?: string) {
  return db
    .deleteFrom('person_session')
    .where('by_single_sign_on', '=', 1)
    .$if(personId !== undefined, (sessions) => sessions.where('person_id', '=', personId ?? ''))
    .execute()
}

/** It ends then, however much it is used. */
export function markSessionBySingleSignOn(db: Connection, id: string, expiresAt: number) {
  return db
    .updateTable('person_session')
    .set({ by_single_sign_on: 1, expires_at: expiresAt })
    .where('id', '=', id)
    .execute()
}

export function deleteGrantsOfGroups(db: Connection) {
  return db.deleteFrom('person_grant').where('source', '=', 'single-sign-on').execute()
}

/** What an issuer knows somebody by. */
export function findIdentity(db: Connection, providerId: string, subject: string) {
  return db
    .selectFrom('sign_in_method')
    .select('person_id')
    .where('provider_id', '=', providerId)
    .where('account_id', '=', subject)
    .executeTakeFirst()
}

export function insertIdentity(db: Connection, identity: Insertable<Schema['sign_in_method']>) {
  return db.insertInto('sign_in_method').values(identity).execute()
}

export function touchSession(db: Connection, id: string, now: number) {
  return db.updateTable('person_session').set({ updated_at: now }).where('id', '=', id).execute()
}

/** The app ids of those that are still there. */
export function listApps(db: Connection, ids: readonly string[]) {
  return db
    .selectFrom('app')
    .select('id')
    .where('id', 'in', [...ids, ''])
    .where('deleted_at', 'is', null)
    .execute()
}

/** Each code counts once. False when it has counted. */
export async function claimTotpCode(db: Connection, personId: string, code: string, now: number): Promise<boolean> {
  const row = await db
    .insertInto('used_totp_code')
    .values({ person_id: personId, code, used_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .returning('code')
    .executeTakeFirst()
  return row !== undefined
}

export function deleteUsedTotpCodes(db: Connection, before: number) {
  return db.deleteFrom('used_totp_code').where('used_at', '<', before).execute()
}

export async function deleteExpired(db: Connection, now: number) {
  await db.deleteFrom('person_session').where('expires_at', '<', now).execute()
  await db.deleteFrom('sign_in_verification').where('expires_at', '<', now).execute()
}
