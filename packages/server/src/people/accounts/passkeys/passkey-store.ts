import type { Insertable } from 'kysely'
import type { Connection, Schema } from '../../../ground/database/schema.ts'

export type PasskeyRow = Schema['passkey']

export function insertPasskey(db: Connection, passkey: Insertable<Schema['passkey']>) {
  return db.insertInto('passkey').values(passkey).execute()
}

export function listPasskeys(db: Connection, personId: string) {
  return db.selectFrom('passkey').selectAll().where('person_id', '=', personId).orderBy('id').execute()
}

export function findPasskey(db: Connection, credentialId: string) {
  return db.selectFrom('passkey').selectAll().where('credential_id', '=', credentialId).executeTakeFirst()
}

export function notePasskeyUse(
  db: Connection,
  id: string,
  changes: Pick<PasskeyRow, 'counter' | 'is_backed_up' | 'used_at'>,
) {
  return db.updateTable('passkey').set(changes).where('id', '=', id).execute()
}

export async function deletePasskey(db: Connection, personId: string, id: string): Promise<boolean> {
  const query = db.deleteFrom('passkey').where('person_id', '=', personId).where('id', '=', id)
  return (await query.executeTakeFirst()).numDeletedRows > 0n
}

/** What the browser has to sign, until it comes back with it. */
export function insertCeremony(
  db: Connection,
  ceremony: { id: string; value: string; now: number; expiresAt: number },
) {
  const { id, value, now, expiresAt } = ceremony
  const row = { id, identifier: nameOf(id), value, created_at: now, updated_at: now, expires_at: expiresAt }
  return db.insertInto('sign_in_verification').values(row).execute()
}

/** Once: of two who come with the same, one takes it. */
export function takeCeremony(db: Connection, id: string, now: number) {
  return db
    .deleteFrom('sign_in_verification')
    .where('id', '=', id)
    .where('identifier', '=', nameOf(id))
    .where('expires_at', '>', now)
    .returning('value')
    .executeTakeFirst()
}

function nameOf(id: string): string {
  return `passkey ${id}`
}
