import type { Database } from '../../ground/database/schema.ts'
import { ANY_BYTES } from './any-bytes.ts'
import { findServed, listCompressed } from './artifact-store.ts'
import { CODINGS, type Coding } from '../../ground/http/codings.ts'

/** What the bytes of an artifact are called when they are served. */
export interface ServedAs {
  contentType: string
  /** What whole apps are called; null: they have no name of their own. */
  fileName: string | null
  /** Of those that have none. */
  fileExtension: string
  /** The same compressed, by the coding: each under the name of those bytes. */
  compressed: Readonly<Partial<Record<Coding, string>>>
}

/** A megabyte or two at most. */
const MAX_REMEMBERED = 10_000
const UNKNOWN: ServedAs = { contentType: ANY_BYTES, fileName: null, fileExtension: 'bin', compressed: {} }

/**
 * What an artifact of a release is never changes, so that each is looked up once, when it is known how small it becomes. Where the
 * database does not answer, the bytes go out all the same, as bytes.
 */
export function createServedTypes({ db, extensionOf }: { db: Database; extensionOf: (contentType: string) => string }) {
  const remembered = new Map<string, ServedAs>()

  return async (sha256: string): Promise<ServedAs> => {
    const known = remembered.get(sha256)
    if (known) return known
    // Devices must get their updates without a database, too.
    const row = await findServed(db, sha256).catch(() => undefined)
    if (!row) return UNKNOWN
    const variants = await listCompressed(db, sha256).catch(() => undefined)
    const keyOf = (coding: Coding) => variants?.find(({ algorithm }) => algorithm === coding)?.variant_sha256
    const compressed = CODINGS.flatMap((coding) => {
      const key = keyOf(coding)
      return key === undefined ? [] : [[coding, key] as const]
    })
    const found = {
      contentType: row.content_type,
      fileName: row.file_name,
      fileExtension: extensionOf(row.content_type),
      compressed: Object.fromEntries(compressed),
    }
    if (!variants || row.awaits_compression === 1 || row.kept_until !== null) return found
    if (remembered.size >= MAX_REMEMBERED) remembered.clear()
    remembered.set(sha256, found)
    return found
  }
}
