import type { AuditEntry, Page } from '@hotpatch/api'
import type { FastifyRequest } from 'fastify'
import type { Actor } from '../access/actor.ts'
import { timestamp, type Clock } from '../clock.ts'
import type { Connection, Database, Schema } from '../database/schema.ts'
import { pageFromRows, type PageRequest } from '../http/paging.ts'
import { insertAuditEntry, listAuditEntries } from './audit-store.ts'

/** Who changes something, and from where. */
export interface Author {
  actor: Actor
  address: string | null
  requestId: string | null
}

/** What the server does by itself: the first start, guards, plans, webhooks that it disables. */
export const SERVER_AUTHOR: Author = {
  actor: { tokenId: '', name: 'server', role: 'owner', appId: null, expiresAt: null },
  address: null,
  requestId: null,
}

/** Such as `{ action: 'rollout.paused', subject: ['rollout', id], before, after }`. */
export interface Change {
  action: string
  subject: readonly [kind: string, id: string]
  appId?: string | null
  before?: unknown
  after?: unknown
}

export interface AuditQuery {
  appId: string | null
  action: string | undefined
  subjectId: string | undefined
}

export type AuditService = ReturnType<typeof createAuditService>

export function createAuditService({ db, clock, newId }: { db: Database; clock: Clock; newId: () => string }) {
  /** In the transaction of the change itself: neither is there without the other. */
  async function record(connection: Connection, author: Author, change: Change): Promise<void> {
    await insertAuditEntry(connection, {
      id: newId(),
      at: clock.now(),
      actor_id: author.actor.tokenId || null,
      actor_name: author.actor.name,
      action: change.action,
      subject_kind: change.subject[0],
      subject_id: change.subject[1],
      app_id: change.appId ?? null,
      address: author.address,
      request_id: author.requestId,
      before: change.before === undefined ? null : JSON.stringify(change.before),
      after: change.after === undefined ? null : JSON.stringify(change.after),
    })
  }

  async function list(query: AuditQuery, page: PageRequest): Promise<Page<AuditEntry>> {
    return pageFromRows(await listAuditEntries(db, query, page), page, render)
  }

  return { record, list }
}

/** For routes for people. */
export function authorOf(request: FastifyRequest): Author {
  if (!request.actor) throw new Error('This route does not authenticate its callers.')
  return { actor: request.actor, address: request.ip, requestId: request.id }
}

function render(row: Schema['audit_entry']): AuditEntry {
  return {
    id: row.id,
    at: timestamp(row.at),
    actorId: row.actor_id,
    actorName: row.actor_name,
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
