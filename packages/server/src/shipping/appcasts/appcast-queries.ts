import type { Connection } from '../../ground/database/schema.ts'

/** The signatures of each app's feeds, of keys that were not revoked, by what they are over. */
export async function loadAppcastSignatures(db: Connection): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const rows = await signedByWorkingKeys(db).select(['signed_appcast.app_id', 'sha256', 'value']).execute()
  const byApp = Map.groupBy(rows, (row) => row.app_id)
  return new Map([...byApp].map(([appId, signed]) => [appId, new Map(signed.map((row) => [row.sha256, row.value]))]))
}

export function signedByWorkingKeys(db: Connection) {
  return db
    .selectFrom('signed_appcast')
    .innerJoin('signing_key', 'signing_key.id', 'signed_appcast.key_id')
    .where('signing_key.revoked_at', 'is', null)
}
