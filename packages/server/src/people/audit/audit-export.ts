import { Readable } from 'node:stream'
import type { AuditHead, AuditLine } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { SECOND_MS, type Timers } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { hasSealOf, listSealed, listSealLengths, listStrangerLengths, listStrangers } from './audit-seal-store.ts'
import type { AuditQuery } from './audit-store.ts'
import { partsOf } from './parts-of.ts'
import { renderEntry } from './render-entry.ts'

const LOOKED_AT_ONCE = 500
const MAX_EXPORTS = 8
/** Of one person, or of one token that nobody stands behind. */
const MAX_OF_ONE = 2
const RETRY_AFTER_SECONDS = 30
const BUFFER_BYTES = 64 * 1024
/** So little at once that even a slow reader takes it before its time is over. */
const PIECE_LENGTH = 16 * 1024
const MAX_IDLE_MS = 60 * SECOND_MS

export interface AuditExport {
  query: AuditQuery
  /** The position behind which it begins. */
  after: number
  head: AuditHead
  /** The id of whoever reads it. */
  reader: string
}

export type AuditExports = ReturnType<typeof createAuditExports>

/** The audit log as JSON lines, in the order of its chain: read as it is sent, so that memory does not grow with it. */
export function createAuditExports({
  reads,
  mayBeOld = reads,
  timers,
}: {
  reads: Database
  /** Read instead as far as it goes: what it lacks would look as if somebody had removed it. */
  mayBeOld?: Database
  timers: Timers
}) {
  /** The readers of those that are open. */
  const open: string[] = []

  /** @throws problem too-many-requests */
  function start(asked: AuditExport): Readable {
    requireFewer(open.length, MAX_EXPORTS, 'are under way')
    requireFewer(open.filter((reader) => reader === asked.reader).length, MAX_OF_ONE, 'of yours are under way')
    open.push(asked.reader)
    const pieces = endingIdle(piecesOf(write(asked)), () => stream.destroy(idle()))
    const stream = Readable.from(pieces, { objectMode: false, highWaterMark: BUFFER_BYTES })
    stream.once('close', () => void open.splice(open.indexOf(asked.reader), 1))
    return stream
  }

  /** Who takes nothing for so long keeps the place of somebody who would. The time of the database does not count. */
  async function* endingIdle(pieces: AsyncIterable<string>, end: () => void): AsyncGenerator<string> {
    for await (const piece of pieces) {
      const cancel = timers.after(MAX_IDLE_MS, end)
      try {
        yield piece
      } finally {
        cancel()
      }
    }
  }

  async function* write({ query, after, head }: AuditExport): AsyncGenerator<string> {
    const from = (await hasSealOf(mayBeOld, head.position)) ? mayBeOld : reads
    yield* writeSealed(from, query, after, head.position)
    yield* writeStrangers(from, query)
    const { position, hash, waiting, at } = head
    yield textOf({ kind: 'end', after, position, hash, waiting, filtered: isFiltered(query), at })
  }

  async function* writeSealed(from: Database, query: AuditQuery, after: number, upTo: number): AsyncGenerator<string> {
    for (;;) {
      const found = await listSealLengths(from, query, { after, upTo }, LOOKED_AT_ONCE)
      for (const part of partsOf(found)) {
        const end = part.at(-1)?.key ?? upTo
        const rows = await listSealed(from, query, { after, upTo: end })
        yield rows.map(writeSeal).join('')
        after = end
      }
      if (found.length < LOOKED_AT_ONCE) return
    }
  }

  async function* writeStrangers(from: Database, query: AuditQuery): AsyncGenerator<string> {
    let after = ''
    for (;;) {
      const found = await listStrangerLengths(from, query, after, LOOKED_AT_ONCE)
      for (const part of partsOf(found)) {
        const end = part.at(-1)?.key ?? ''
        const rows = await listStrangers(from, query, after, end)
        yield rows.map((row) => textOf({ kind: 'unsealed', entry: renderEntry(row) })).join('')
        after = end
      }
      if (found.length < LOOKED_AT_ONCE) return
    }
  }

  return { start }
}

async function* piecesOf(parts: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const part of parts) {
    for (let at = 0; at < part.length; at = endOfPiece(part, at)) yield part.slice(at, endOfPiece(part, at))
  }
}

/** Not between the halves of a surrogate pair: each would be another character. */
function endOfPiece(text: string, at: number): number {
  const end = at + PIECE_LENGTH
  return /[\uD800-\uDBFF]/.test(text[end - 1] ?? '') ? end + 1 : end
}

function requireFewer(count: number, limit: number, which: string): void {
  if (count < limit) return
  const detail = `${limit} exports of the audit log ${which}. Wait for one to end.`
  throw problem('too-many-requests', detail, { retryAfterSeconds: RETRY_AFTER_SECONDS })
}

function idle(): Error {
  return new Error(`Nothing of the export of the audit log was taken for ${MAX_IDLE_MS / SECOND_MS} s.`)
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
