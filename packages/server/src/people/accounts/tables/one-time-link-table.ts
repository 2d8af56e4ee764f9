import type { Insertable } from 'kysely'
import type { Connection, Schema } from '../../../ground/database/schema.ts'
import type { PageRequest } from '../../../ground/http/paging.ts'

export type LinkRow = Schema['one_time_link']

export function insertLink(db: Connection, link: Insertable<Schema['one_time_link']>) {
  return db.insertInto('one_time_link').values(link).execute()
}

export function findLink(db: Connection, secretHash: string) {
  return db.selectFrom('one_time_link').selectAll().where('secret_hash', '=', secretHash).executeTakeFirst()
}

/** Of two who come at once, one takes it. Undefined when it is gone. */
export function takeLink(db: Connection, secretHash: string, now: number) {
  return db
    .updateTable('one_time_link')
    .set({ used_at: now })
    .where('secret_hash', '=', secretHash)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .returningAll()
    .executeTakeFirst()
}

export function listOpenInvitations(db: Connection, now: number, { after, limit }: PageRequest) {
  return db
    .selectFrom('one_time_link')
    .selectAll()
    .where('kind', '=', 'invitation')
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .$if(after !== undefined, (links) => links.where('id', '<', after ?? ''))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

export function findOpenInvitation(db: Connection, id: string, now: number) {
  return db
    .selectFrom('one_time_link')
    .selectAll()
    .where('id', '=', id)
    .where('kind', '=', 'invitation')
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst()
}

/** Who invites: a person, also by tokens of his; or a token that nobody stands behind. */
interface Inviter {
  personId: string | null
  tokenId: string | null
}

export function countOpenInvitations(db: Connection, now: number): Promise<number> {
  return count(openInvitations(db, now))
}

export function countOpenInvitationsBy(db: Connection, { personId, tokenId }: Inviter, now: number): Promise<number> {
  const column = personId === null ? 'created_by_token' : 'created_by_person'
  return count(openInvitations(db, now).where(column, '=', personId ?? tokenId))
}

/** Of those that give something for this app. */
export function countOpenInvitationsFor(db: Connection, appId: string, now: number): Promise<number> {
  // As it stands in the JSON. Nothing in an id means something in a pattern.
  return count(openInvitations(db, now).where('grants', 'like', `%"app_id":"${appId}"%`))
}

function openInvitations(db: Connection, now: number) {
  return db
    .selectFrom('one_time_link')
    .where('kind', '=', 'invitation')
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
}

async function count(links: ReturnType<typeof openInvitations>): Promise<number> {
  return (await links.select((query) => query.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()).count
}

export function deleteLink(db: Connection, id: string) {
  return db.deleteFrom('one_time_link').where('id', '=', id).execute()
}

export function listInvitationsFor(db: Connection, email: string) {
  return db
    .selectFrom('one_time_link')
    .selectAll()
    .where('kind', '=', 'invitation')
    .where('email', '=', email)
    .where('used_at', 'is', null)
    .execute()
}

export function deleteResetLinksFor(db: Connection, personId: string) {
  return db.deleteFrom('one_time_link').where('kind', '=', 'reset').where('person_id', '=', personId).execute()
}

/** What somebody has given out, and may not any more. */
export function deleteLinksBy(db: Connection, personId: string) {
  return db.deleteFrom('one_time_link').where('created_by_person', '=', personId).where('used_at', 'is', null).execute()
}

/** Invitations, and those for a new password. Of a first owner each start gives one, which works for minutes. */
export async function deleteGivenLinks(db: Connection): Promise<number> {
  const query = db.deleteFrom('one_time_link').where('kind', '!=', 'first-owner').where('used_at', 'is', null)
  return Number((await query.executeTakeFirst()).numDeletedRows)
}

export function deleteFirstOwnerLinks(db: Connection) {
  return db.deleteFrom('one_time_link').where('kind', '=', 'first-owner').execute()
}

export function deleteLinksBefore(db: Connection, before: number) {
  return db.deleteFrom('one_time_link').where('expires_at', '<', before).execute()
}

/** Until the transaction ends: of two who would be the first owner, the second finds that there is one. */
export function lockFirstPerson(tx: Connection) {
  return tx
    .insertInto('server_setting')
    .values({ name: 'first-owner-person', value: 'made' })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: 'made' }))
    .execute()
}
