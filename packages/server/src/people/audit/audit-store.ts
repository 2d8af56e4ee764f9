import { sql, type ExpressionBuilder } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { PageRequest } from '../../ground/http/paging.ts'

export type AuditRow = Schema['audit_entry']

export interface AuditQuery {
  /** Null: of every app, and what is of none. */
  appIds: readonly string[] | null
  action?: string | undefined
  actor?: string | undefined
  subjectId?: string | undefined
  from?: number | undefined
  to?: number | undefined
  text?: string | undefined
}

/** It waits for its seal from the same moment on. */
export async function insertAuditEntry(db: Connection, entry: AuditRow): Promise<void> {
  await db.insertInto('audit_entry').values(entry).execute()
  await db.insertInto('audit_unsealed').values({ entry_id: entry.id }).execute()
}

/** Newest first. */
export function listAuditEntries(db: Connection, query: AuditQuery, { after, limit }: PageRequest) {
  return db
    .selectFrom('audit_entry')
    .leftJoin('audit_seal', 'audit_seal.entry_id', 'audit_entry.id')
    .selectAll('audit_entry')
    .select(['audit_seal.position', 'audit_seal.hash'])
    .where(matches(query))
    .$if(after !== undefined, (entries) => entries.where('audit_entry.id', '<', after ?? ''))
    .orderBy('audit_entry.id', 'desc')
    .limit(limit + 1)
    .execute()
}

export function findAuditEntry(db: Connection, id: string, query: AuditQuery) {
  return db
    .selectFrom('audit_entry')
    .leftJoin('audit_seal', 'audit_seal.entry_id', 'audit_entry.id')
    .selectAll('audit_entry')
    .select(['audit_seal.position', 'audit_seal.hash'])
    .where('audit_entry.id', '=', id)
    .where(matches(query))
    .executeTakeFirst()
}

/** For any query that has the table of entries in it. */
export function matches(query: AuditQuery) {
  const { appIds, action, actor, subjectId, from, to, text } = query
  return (by: ExpressionBuilder<Schema, 'audit_entry'>) =>
    by.and([
      ...(appIds === null ? [] : [by('audit_entry.app_id', 'in', appIds.length === 0 ? [''] : appIds)]),
      ...(action === undefined
        ? []
        : [by.or([by('audit_entry.action', '=', action), beginsWith('action', `${action}.`)])]),
      ...(actor === undefined
        ? []
        : [
            by.or([
              by('audit_entry.actor_id', '=', actor),
              by('audit_entry.person_id', '=', actor),
              contains('actor_name', actor),
            ]),
          ]),
      ...(subjectId === undefined ? [] : [by('audit_entry.subject_id', '=', subjectId)]),
      ...(from === undefined ? [] : [by('audit_entry.at', '>=', from)]),
      ...(to === undefined ? [] : [by('audit_entry.at', '<', to)]),
      ...(text === undefined ? [] : [by.or(SEARCHED.map((column) => contains(column, text)))]),
    ])
}

const SEARCHED = ['actor_name', 'action', 'subject_id', 'address', 'before', 'after'] as const

function beginsWith(column: keyof AuditRow, text: string) {
  return sql<boolean>`${sql.ref(`audit_entry.${column}`)} like ${`${escaped(text)}%`} escape '\\'`
}

/** Whatever the case of letters, as far as the database knows it: SQLite only that of A to Z. */
function contains(column: keyof AuditRow, text: string) {
  return sql<boolean>`lower(${sql.ref(`audit_entry.${column}`)}) like lower(${`%${escaped(text)}%`}) escape '\\'`
}

function escaped(text: string): string {
  return text.replace(/[\\%_]/g, String.raw`\$&`)
}
