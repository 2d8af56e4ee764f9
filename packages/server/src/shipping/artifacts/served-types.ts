import type { Database } from '../../ground/database/schema.ts'
import { findArtifact } from './artifact-store.ts'

/** What the bytes of an artifact are called when they are served. */
export interface ServedAs {
  contentType: string
  fileExtension: string
}

/** A megabyte at most. */
const MAX_REMEMBERED = 10_000
/** Nothing is known of them, or the same ones mean different things. */
export const ANY_BYTES = 'application/octet-stream'
const UNKNOWN: ServedAs = { contentType: ANY_BYTES, fileExtension: 'bin' }

/**
 * What an artifact is never changes, so that each is looked up once. Where the database does not answer, the bytes go out
 * all the same, as bytes.
 */
export function createServedTypes({ db, extensionOf }: { db: Database; extensionOf: (contentType: string) => string }) {
  const remembered = new Map<string, ServedAs>()

  return async (sha256: string): Promise<ServedAs> => {
    const known = remembered.get(sha256)
    if (known) return known
    // Devices must get their updates without a database, too.
    const row = await findArtifact(db, sha256).catch(() => undefined)
    if (!row) return UNKNOWN
    const found = { contentType: row.content_type, fileExtension: extensionOf(row.content_type) }
    if (remembered.size >= MAX_REMEMBERED) remembered.clear()
    remembered.set(sha256, found)
    return found
  }
}
