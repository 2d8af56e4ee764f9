import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { PageRequest } from '../../ground/http/paging.ts'

export interface AuditQuery {
  appId: string | null
  action: string | undefined
  subjectId: string | undefined
}

export function insertAuditEntry(db: Connection, entry: Schema['audit_entry']) {
  return db.insertInto('audit_entry').values(entry).execute()
}

export function listAuditEntries(db: Connection, query: AuditQuery, { after, limit }: PageRequest) {
  const { appId, action, subjectId } = query
  return db
    .selectFrom('audit_entry')
    .selectAll()
    .$if(appId !== null, (entries) => entries.where('app_id', '=', appId))
    .$if(action !== undefined, (entries) => entries.where('action', '=', action ?? ''))
    .$if(subjectId !== undefined, (entries) => entries.where('subject_id', '=', subjectId ?? ''))
    .$if(after !== undefined, (entries) => entries.where('id', '<', after ?? ''))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}
