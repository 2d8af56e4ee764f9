import type { Connection } from '../../ground/database/schema.ts'
import { findEmbeddedUpdate, type EmbeddedUpdateName } from './embedded-update-store.ts'

/** Undefined of a binary that nobody has let the server know of. */
export async function findBuiltAt(
  db: Connection,
  appId: string,
  name: EmbeddedUpdateName,
): Promise<number | undefined> {
  return (await findEmbeddedUpdate(db, appId, name))?.built_at
}
