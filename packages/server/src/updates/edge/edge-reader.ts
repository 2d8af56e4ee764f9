import { elapsedOn, SECOND_MS, type Clock } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { CatalogKey } from '../catalog-queries.ts'
import { envelopeOf } from './edge-envelope.ts'
import { catalogName, keysName, pointerName } from './edge-names.ts'
import { findEdgeCatalog, findKeyDocument, findPointer } from './edge-store.ts'

/** What was read a moment ago is not read again, so that the database sees no more of devices than of servers. */
const FRESH_MS = 2 * SECOND_MS
/** Of which the largest are catalogs: what devices ask for is few. */
const MAX_REMEMBERED = 32

export type EdgeReader = ReturnType<typeof createEdgeReader>

/** What the server itself serves of edges. While the database does not answer, it is what was read last. */
export function createEdgeReader({ db, clock }: { db: Database; clock: Clock }) {
  const remembered = new Map<string, { text: string; at: number }>()

  async function recall(name: string, read: () => Promise<string | undefined>): Promise<string | undefined> {
    const known = remembered.get(name)
    const now = elapsedOn(clock)
    if (known && now - known.at < FRESH_MS) return known.text
    let text: string | undefined
    try {
      text = await read()
    } catch (error) {
      if (known) return known.text
      throw error
    }
    remembered.delete(name)
    if (text !== undefined) remember(name, { text, at: now })
    return text
  }

  function remember(name: string, entry: { text: string; at: number }): void {
    const [oldest] = remembered.keys()
    if (remembered.size >= MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest)
    remembered.set(name, entry)
  }

  const keys = (appId: string) =>
    recall(keysName(appId), async () => {
      const document = await findKeyDocument(db, appId)
      return document && envelopeOf(document)
    })
  const pointer = (key: CatalogKey) => recall(pointerName(key), async () => (await findPointer(db, key))?.envelope)
  const catalog = (appId: string, sha256: string) =>
    recall(catalogName(appId, sha256), async () => (await findEdgeCatalog(db, appId, sha256))?.text)

  return { keys, pointer, catalog }
}
