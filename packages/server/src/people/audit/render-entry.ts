import type { AuditRecord } from '@hotpatch/api'
import type { AuditRow } from './audit-store.ts'

/**
 * As a seal has it: what is rendered otherwise has another hash (Audit log §2). Nothing that somebody may have written
 * past the server stops it: such an entry is to be found, and not to hide behind an error.
 */
export function renderEntry(row: AuditRow): AuditRecord {
  return {
    id: row.id,
    at: renderTime(row.at),
    actorId: row.actor_id,
    actorName: row.actor_name,
    actorKind: row.actor_kind,
    personId: row.person_id,
    action: row.action,
    subjectKind: row.subject_kind,
    subjectId: row.subject_id,
    appId: row.app_id,
    address: row.address,
    requestId: row.request_id,
    before: renderState(row.before),
    after: renderState(row.after),
  }
}

function renderTime(at: number): string {
  const time = new Date(at)
  return Number.isNaN(time.getTime()) ? String(at) : time.toISOString()
}

function renderState(text: string | null): unknown {
  if (text === null) return null
  try {
    return JSON.parse(text)
  } catch {
    return text // not what a server writes
  }
}
