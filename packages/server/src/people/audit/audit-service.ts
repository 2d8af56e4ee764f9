import type { AuditEntry, Page } from '@hotpatch/api'
import { actorOf, nameOf, type Author } from '../authors/author.ts'
import { timestamp, type Clock } from '../../ground/clock.ts'
import type { Connection, Database, Schema } from '../../ground/database/schema.ts'
import { pageFromRows, type PageRequest } from '../../ground/http/paging.ts'
import { insertAuditEntry, listAuditEntries, type AuditQuery } from './audit-store.ts'

/** Such as `{ action: 'rollout.paused', subject: ['rollout', id], before, after }`. */
export interface Change {
  action: string
  subject: readonly [kind: string, id: string]
  appId?: string | null
  before?: unknown
  after?: unknown
}

export type AuditService = ReturnType<typeof createAuditService>

export function createAuditService({ db, clock, newId }: { db: Database; clock: Clock; newId: () => string }) {
  /** In the transaction of the change itself: neither is there without the other. */
  async function record(connection: Connection, author: Author, change: Change): Promise<void> {
    await insertAuditEntry(connection, {
      id: newId(),
      at: clock.now(),
      actor_id: actorOf(author)?.tokenId ?? null,
      actor_name: nameOf(author),
      actor_kind: author.kind,
      action: change.action,
      subject_kind: change.subject[0],
      subject_id: change.subject[1],
      app_id: change.appId ?? null,
      address: author.kind === 'token' ? author.address : null,
      request_id: author.kind === 'token' ? author.requestId : null,
      before: change.before === undefined ? null : JSON.stringify(change.before),
      after: change.after === undefined ? null : JSON.stringify(change.after),
    })
  }

  async function list(query: AuditQuery, page: PageRequest): Promise<Page<AuditEntry>> {
    return pageFromRows(await listAuditEntries(db, query, page), page, render)
  }

  return { record, list }
}

function render(row: Schema['audit_entry']): AuditEntry {
  return {
    id: row.id,
    at: timestamp(row.at),
    actorId: row.actor_id,
    actorName: row.actor_name,
    actorKind: row.actor_kind,
    action: row.action,
    subjectKind: row.subject_kind,
    subjectId: row.subject_id,
    appId: row.app_id,
    address: row.address,
    requestId: row.request_id,
    before: row.before === null ? null : JSON.parse(row.before),
    after: row.after === null ? null : JSON.parse(row.after),
  }
}
