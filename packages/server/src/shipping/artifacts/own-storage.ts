import type { Connection } from '../../ground/database/schema.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import { listArtifactsAfter, listLeavingArtifacts } from './artifact-store.ts'

/** Of the artifacts that a database refers to: as many are looked for. */
const SAMPLE = 50

/**
 * Whether a storage is the one of a database, before anything is removed that the database does not refer to: with the
 * bucket or the database of another server, that would be everything. `unknown`: it refers to nothing at all, so nobody
 * can say.
 */
export async function judgeStorage(db: Connection, storage: StorageDriver): Promise<'own' | 'foreign' | 'unknown'> {
  const known = await listArtifactsAfter(db, '', SAMPLE)
  // Where all that is left leaves, that is what can be there.
  const looked = known.length > 0 ? known : await listLeavingArtifacts(db, SAMPLE)
  for (const { sha256 } of looked) if (await storage.stat(sha256)) return 'own'
  return known.length > 0 ? 'foreign' : 'unknown'
}
