import type { AuditEntry, Page } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { actorOf, isCaller, nameOf, type Author } from '../authors/author.ts'
import type { Clock } from '../../ground/clock.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { pageFromRows, type PageRequest } from '../../ground/http/paging.ts'
import { findAuditEntry, insertAuditEntry, listAuditEntries, type AuditQuery } from './audit-store.ts'
import { renderEntry } from './render-entry.ts'

/** Such as `{ action: 'rollout.paused', subject: ['rollout', id], before, after }`. */
export interface Change {
  action: string
  subject: readonly [kind: string, id: string]
  appId?: string | null
  before?: unknown
  after?: unknown
}

export type AuditService = ReturnType<typeof createAuditService>

export function createAuditService({
  db,
  reads = db,
  clock,
  newId,
}: {
  db: Database
  /** Searches may take long. */
  reads?: Database
  clock: Clock
  newId: () => string
}) {
  const listeners = new Set<() => void>()

  /** In the transaction of the change itself: neither is there without the other. */
  async function record(connection: Connection, author: Author, change: Change): Promise<void> {
    await insertAuditEntry(connection, {
      id: newId(),
      at: clock.now(),
      actor_id: actorOf(author)?.id ?? null,
      actor_name: nameOf(author),
      actor_kind: author.kind,
      action: change.action,
      subject_kind: change.subject[0],
      subject_id: change.subject[1],
      app_id: change.appId ?? null,
      person_id: actorOf(author)?.personId ?? null,
      address: isCaller(author) ? author.address : null,
      request_id: isCaller(author) ? author.requestId : null,
      before: change.before === undefined ? null : JSON.stringify(change.before),
      after: change.after === undefined ? null : JSON.stringify(change.after),
    })
    for (const listener of listeners) listener()
  }

  async function list(query: AuditQuery, page: PageRequest): Promise<Page<AuditEntry>> {
    return pageFromRows(await listAuditEntries(reads, query, page), page, render)
  }

  /** @throws problem not-found */
  async function get(id: string, appIds: AuditQuery['appIds']): Promise<AuditEntry> {
    const row = await findAuditEntry(reads, id, { appIds })
    if (row) return render(row)
    throw problem('not-found', `The audit log has no entry with the id ${id}, or none that you may see.`)
  }

  /** Called while the change is not committed yet. */
  function onRecorded(listener: () => void): void {
    listeners.add(listener)
  }

  return { record, onRecorded, list, get }
}

function render({ position, hash, ...row }: Awaited<ReturnType<typeof listAuditEntries>>[number]): AuditEntry {
  const seal = position === null || hash === null ? null : { position, hash }
  return { ...renderEntry(row), seal }
}
