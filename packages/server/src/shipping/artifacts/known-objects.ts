import { type Clock, MINUTE_MS } from '../../ground/clock.ts'
import { StorageError } from '../../ground/storage/storage-error.ts'
import type { StorageDriver, StoredObject } from '../../ground/storage/storage-driver.ts'

const FRESH_MS = 5 * MINUTE_MS
/** A megabyte or two. */
const MAX_KNOWN = 10_000

/**
 * What a storage elsewhere had a moment ago: else each download of each device would be a question to it. Objects never
 * change, and one that a release has stays. While the storage does not answer, what it had is believed: a CDN before it may.
 */
export function createKnownObjects({
  storage,
  clock,
}: {
  storage: Pick<StorageDriver, 'stat' | 'isReachable'>
  clock: Clock
}) {
  const known = new Map<string, { object: StoredObject; at: number }>()

  async function stat(key: string): Promise<StoredObject | undefined> {
    if (!storage.isReachable) return storage.stat(key)
    const last = known.get(key)
    if (last && clock.now() - last.at < FRESH_MS) return last.object
    try {
      const object = await storage.stat(key)
      known.delete(key)
      if (!object) return undefined
      // The oldest goes, which is the first.
      if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value ?? '')
      known.set(key, { object, at: clock.now() })
      return object
    } catch (error) {
      if (last && error instanceof StorageError && error.failure === 'unreachable') return last.object
      throw error
    }
  }

  return { stat }
}
