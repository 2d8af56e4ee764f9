import type { SignedAnswerFilter } from '@hotpatch/api'
import type { Connection, Schema } from '../../ground/database/schema.ts'

export type SignedAnswerRow = Schema['signed_answer']

/** A newer certificate of the same key takes the place of the older one. */
export async function putCertificate(tx: Connection, row: Schema['answer_certificate']): Promise<void> {
  await tx
    .insertInto('answer_certificate')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['app_id', 'key_id']).doUpdateSet({ certificate: row.certificate, chain: row.chain }),
    )
    .execute()
}

/** One that is there already stays. */
export async function insertAnswers(tx: Connection, rows: readonly SignedAnswerRow[]): Promise<void> {
  for (const row of rows) {
    await tx
      .insertInto('signed_answer')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}

export type ListedAnswer = Omit<SignedAnswerRow, 'body' | 'signature'>

const LISTED = [
  'id',
  'app_id',
  'platform',
  'key_id',
  'says',
  'sha256',
  'runtime_version',
  'answered_at',
  'created_at',
  'created_by',
] as const

export function listAnswers(
  db: Connection,
  appId: string,
  { platform, sha256 }: SignedAnswerFilter,
  limit: number,
): Promise<ListedAnswer[]> {
  let query = db.selectFrom('signed_answer').select(LISTED).where('app_id', '=', appId)
  if (platform !== undefined) query = query.where('platform', '=', platform)
  if (sha256 !== undefined) query = query.where('sha256', '=', sha256)
  return query.orderBy('id', 'desc').limit(limit).execute()
}

export function findAnswer(db: Connection, appId: string, id: string): Promise<SignedAnswerRow | undefined> {
  return db.selectFrom('signed_answer').selectAll().where('app_id', '=', appId).where('id', '=', id).executeTakeFirst()
}

export async function findCertificate(db: Connection, appId: string, keyId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('answer_certificate')
    .select('certificate')
    .where('app_id', '=', appId)
    .where('key_id', '=', keyId)
    .executeTakeFirst()
  return row?.certificate
}

/** Of what the app has sent, whether a release has it already or not, by the beginning of the digest of its list of files. */
export function findExport(
  db: Connection,
  appId: string,
  digestStart: string,
): Promise<Schema['expo_export'] | undefined> {
  return db
    .selectFrom('expo_export')
    .innerJoin('app_artifact', 'app_artifact.sha256', 'expo_export.sha256')
    .select(['expo_export.sha256', 'expo_export.exported'])
    .where('app_artifact.app_id', '=', appId)
    .where('expo_export.sha256', 'like', `${digestStart}%`)
    .orderBy('expo_export.sha256')
    .executeTakeFirst()
}
