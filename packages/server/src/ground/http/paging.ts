import type { Page } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'

const DEFAULT_LIMIT = 50

/** Where a page starts and how long it is. Ids are UUIDv7: they sort by time, newest first in lists. */
export interface PageRequest {
  /** The last id of the page before. */
  after: string | undefined
  limit: number
}

/** @throws problem invalid-request when the cursor is not one that a page gave */
export function readPageRequest(query: { cursor?: string; limit?: number }): PageRequest {
  const after = query.cursor === undefined ? undefined : Buffer.from(query.cursor, 'base64url').toString('latin1')
  if (after !== undefined && !/^[0-9a-f-]{36}$/.test(after)) {
    throw problem('invalid-request', 'cursor: expected the nextCursor of an earlier page.')
  }
  return { after, limit: query.limit ?? DEFAULT_LIMIT }
}

/** The same of lists that are sorted by some text. */
export function readTextPageRequest(query: { cursor?: string; limit?: number }): PageRequest {
  const { cursor, limit = DEFAULT_LIMIT } = query
  return { after: cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString(), limit }
}

/** Makes a page of rows that were asked for one more than the limit. */
export function pageFromRows<Row extends { id: string }, Item>(
  rows: readonly Row[],
  { limit }: PageRequest,
  render: (row: Row) => Item,
): Page<Item> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  const nextCursor = rows.length > limit && last ? Buffer.from(last.id).toString('base64url') : null
  return { items: items.map(render), nextCursor }
}
