import type { Connection, Schema } from '../../ground/database/schema.ts'

/** Another server may have made one meanwhile. */
export async function insertVariants(tx: Connection, rows: readonly Schema['artifact_variant'][]): Promise<void> {
  await tx
    .insertInto('artifact_variant')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
