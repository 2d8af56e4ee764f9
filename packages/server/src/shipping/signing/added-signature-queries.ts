import type { AddedSignature } from '@hotpatch/api'
import { SCHEME_NAMES } from '@hotpatch/signatures'
import type { Connection } from '../../ground/database/schema.ts'
import { deleteSignatures, insertSignatures, type SignatureRow } from './signature-store.ts'
import { placedReleases, type PlaceOfReleases } from '../content/placed-release-queries.ts'

/** Of further schemes (Signing §10): one of each for each artifact. */
export type AddedSignatureRow = SignatureRow & { scheme: AddedSignature['scheme'] }

/** All of one release and scheme: in the place of those that are there, if any. */
export async function putAddedSignatures(tx: Connection, rows: readonly AddedSignatureRow[]): Promise<void> {
  await removeAddedSignatures(tx, rows)
  await insertSignatures(tx, rows)
}

export async function removeAddedSignatures(tx: Connection, rows: readonly AddedSignatureRow[]): Promise<void> {
  const [first] = rows
  if (!first) return
  await deleteSignatures(
    tx,
    first,
    rows.map(({ subject }) => subject),
  )
}

export async function listAddedSignatures(
  db: Connection,
  releaseIds: readonly string[],
): Promise<ReadonlyMap<string, readonly AddedSignatureRow[]>> {
  if (releaseIds.length === 0) return new Map()
  return grouped(await selectAdded(db).where('release_id', 'in', releaseIds).execute())
}

/** Of all releases that were ever placed there. */
export async function listPlacedSignatures(
  db: Connection,
  place: PlaceOfReleases,
): Promise<ReadonlyMap<string, readonly AddedSignatureRow[]>> {
  const rows = await selectAdded(db).where('release_id', 'in', placedReleases(db, place)).execute()
  return grouped(rows)
}

function selectAdded(db: Connection) {
  return db
    .selectFrom('signature')
    .selectAll()
    .where('scheme', 'in', SCHEME_NAMES)
    .orderBy('release_id')
    .orderBy('subject')
    .orderBy('scheme')
}

function grouped(rows: readonly SignatureRow[]): ReadonlyMap<string, readonly AddedSignatureRow[]> {
  return Map.groupBy(rows as readonly AddedSignatureRow[], (row) => row.release_id)
}
