import { sql } from 'kysely'
import type { Connection } from '../../ground/database/schema.ts'
import { matches, type AuditQuery } from './audit-store.ts'

const SEALER = 'audit-sealer'

/** How long an entry is, as far as its length varies. */
const LENGTH = sql<number>`coalesce(length(before), 0) + coalesce(length(after), 0)`.as('length')

/** Until the transaction ends. */
export function lockChain(tx: Connection) {
  return tx
    .updateTable('server_setting')
    .set((set) => ({ value: set.ref('value') }))
    .where('name', '=', SEALER)
    .execute()
}

export function findLastSeal(db: Connection) {
  return db.selectFrom('audit_seal').selectAll().orderBy('position', 'desc').limit(1).executeTakeFirst()
}

/** Whether the chain is there up to this position; nothing is at 0. */
export async function hasSealOf(db: Connection, position: number): Promise<boolean> {
  if (position === 0) return true
  const seal = await db.selectFrom('audit_seal').select('position').where('position', '=', position).executeTakeFirst()
  return seal !== undefined
}

/** In the order in which they were written. */
export async function listWaiting(db: Connection, limit: number): Promise<{ key: string; length: number }[]> {
  return db
    .selectFrom('audit_unsealed')
    .leftJoin('audit_entry', 'audit_entry.id', 'audit_unsealed.entry_id')
    .select('audit_unsealed.entry_id as key')
    .select(LENGTH)
    .orderBy('audit_unsealed.entry_id')
    .limit(limit)
    .execute()
}

export async function countWaiting(db: Connection): Promise<number> {
  const { count } = await db
    .selectFrom('audit_unsealed')
    .select((entries) => entries.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

/** Those of them that have no seal yet. */
export function listUnsealed(db: Connection, ids: readonly string[]) {
  return db
    .selectFrom('audit_entry')
    .leftJoin('audit_seal', 'audit_seal.entry_id', 'audit_entry.id')
    .selectAll('audit_entry')
    .where('audit_entry.id', 'in', ids)
    .where('audit_seal.position', 'is', null)
    .orderBy('audit_entry.id')
    .execute()
}

export interface SealRow {
  position: number
  entry_id: string
  previous_hash: string
  hash: string
}

export function insertSeals(tx: Connection, seals: readonly SealRow[]) {
  return tx.insertInto('audit_seal').values(seals).execute()
}

export function deleteWaiting(tx: Connection, ids: readonly string[]) {
  return tx.deleteFrom('audit_unsealed').where('entry_id', 'in', ids).execute()
}

/** A stretch of the chain: behind a position, and up to another one. */
export interface Stretch {
  after: number
  upTo: number
}

/** Positions of a stretch, each with how long its entry is. */
export function listSealLengths(db: Connection, query: AuditQuery, { after, upTo }: Stretch, limit: number) {
  return sealsOf(db, query, { after, upTo })
    .select('audit_seal.position as key')
    .select(LENGTH)
    .orderBy('audit_seal.position')
    .limit(limit)
    .execute()
}

/** Also seals whose entry is gone. */
export function listSealed(db: Connection, query: AuditQuery, stretch: Stretch) {
  return sealsOf(db, query, stretch)
    .selectAll('audit_entry')
    .select(['audit_seal.position', 'audit_seal.previous_hash', 'audit_seal.hash', 'audit_seal.entry_id'])
    .orderBy('audit_seal.position')
    .execute()
}

function sealsOf(db: Connection, query: AuditQuery, { after, upTo }: Stretch) {
  return db
    .selectFrom('audit_seal')
    .leftJoin('audit_entry', 'audit_entry.id', 'audit_seal.entry_id')
    .where('audit_seal.position', '>', after)
    .where('audit_seal.position', '<=', upTo)
    .where((by) => matches(query)(by as unknown as Parameters<ReturnType<typeof matches>>[0]))
}

/** Entries that have no seal and do not wait for one, each with how long it is. */
export function listStrangerLengths(db: Connection, query: AuditQuery, after: string, limit: number) {
  return strangersOf(db, query, after).select('audit_entry.id as key').select(LENGTH).limit(limit).execute()
}

export function listStrangers(db: Connection, query: AuditQuery, after: string, upTo: string) {
  return strangersOf(db, query, after).selectAll('audit_entry').where('audit_entry.id', '<=', upTo).execute()
}

function strangersOf(db: Connection, query: AuditQuery, after: string) {
  return db
    .selectFrom('audit_entry')
    .where('audit_entry.id', '>', after)
    .where(matches(query))
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('audit_seal').select('audit_seal.position').whereRef('audit_seal.entry_id', '=', 'audit_entry.id'),
        ),
      ),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('audit_unsealed')
            .select('audit_unsealed.entry_id')
            .whereRef('audit_unsealed.entry_id', '=', 'audit_entry.id'),
        ),
      ),
    )
    .orderBy('audit_entry.id')
}
