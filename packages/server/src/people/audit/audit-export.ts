import { Readable } from 'node:stream'
import type { AuditHead, AuditLine } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { Database } from '../../ground/database/schema.ts'
import { listSealed, listSealLengths, listStrangerLengths, listStrangers } from './audit-seal-store.ts'
import type { AuditQuery } from './audit-store.ts'
import { partsOf } from './parts-of.ts'
import { renderEntry } from './render-entry.ts'

const LOOKED_AT_ONCE = 500
const MAX_EXPORTS = 8
const RETRY_AFTER_SECONDS = 30
const BUFFER_BYTES = 64 * 1024

export interface AuditExport {
  query: AuditQuery
  /** The position behind which it begins. */
  after: number
  head: AuditHead
}

export type AuditExports = ReturnType<typeof createAuditExports>

/** The audit log as JSON lines, in the order of its chain: read as it is sent, so that memory does not grow with it. */
export function createAuditExports({ reads }: { reads: Database }) {
  let open = 0

  /** @throws problem too-many-requests */
  function start(asked: AuditExport): Readable {
    if (open >= MAX_EXPORTS) {
      const detail = `${MAX_EXPORTS} exports of the audit log are under way. Wait for one to end.`
      throw problem('too-many-requests', detail, { retryAfterSeconds: RETRY_AFTER_SECONDS })
    }
    open += 1
    const stream = Readable.from(write(asked), { objectMode: false, highWaterMark: BUFFER_BYTES })
    stream.once('close', () => {
      open -= 1
    })
    return stream
  }

  async function* write({ query, after, head }: AuditExport): AsyncGenerator<string> {
    yield* writeSealed(query, after, head.position)
    yield* writeStrangers(query)
    const { position, hash, waiting, at } = head
    yield textOf({ kind: 'end', after, position, hash, waiting, filtered: isFiltered(query), at })
  }

  async function* writeSealed(query: AuditQuery, after: number, upTo: number): AsyncGenerator<string> {
    for (;;) {
      const found = await listSealLengths(reads, query, { after, upTo }, LOOKED_AT_ONCE)
      for (const part of partsOf(found)) {
        const end = part.at(-1)?.key ?? upTo
        const rows = await listSealed(reads, query, { after, upTo: end })
        yield rows.map(writeSeal).join('')
        after = end
      }
      if (found.length < LOOKED_AT_ONCE) return
    }
  }

  async function* writeStrangers(query: AuditQuery): AsyncGenerator<string> {
    let after = ''
    for (;;) {
      const found = await listStrangerLengths(reads, query, after, LOOKED_AT_ONCE)
      for (const part of partsOf(found)) {
        const end = part.at(-1)?.key ?? ''
        const rows = await listStrangers(reads, query, after, end)
        yield rows.map((row) => textOf({ kind: 'unsealed', entry: renderEntry(row) })).join('')
        after = end
      }
      if (found.length < LOOKED_AT_ONCE) return
    }
  }

  return { start }
}

function writeSeal(row: Awaited<ReturnType<typeof listSealed>>[number]): string {
  const { id, position, previous_hash: previousHash, hash, entry_id: entryId } = row
  // The columns of an entry are null, all of them, where there is none.
  const entry = id === null ? null : renderEntry(row as Parameters<typeof renderEntry>[0])
  return textOf({ kind: 'entry', position, previousHash, hash, entryId, entry })
}

function textOf(line: AuditLine): string {
  return `${JSON.stringify(line)}\n`
}

function isFiltered({ appIds, ...filters }: AuditQuery): boolean {
  return appIds !== null || Object.values(filters).some((filter) => filter !== undefined)
}
