import type { Platform } from '@hotpatch/protocol'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { KeptExpoExport } from '../content/files/expo-export.ts'
import type { AnsweredRelease } from './read-answer.ts'

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

export function listAnswers(db: Connection, appId: string, limit: number): Promise<SignedAnswerRow[]> {
  return db
    .selectFrom('signed_answer')
    .selectAll()
    .where('app_id', '=', appId)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** Exports of Expo's, by the beginning of the digest of their list of files. */
export async function findAnswered(
  db: Connection,
  { appId, platform, digestStart }: { appId: string; platform: Platform; digestStart: string },
): Promise<AnsweredRelease | undefined> {
  const row = await db
    .selectFrom('release')
    .innerJoin('release_file', 'release_file.release_id', 'release.id')
    .innerJoin('expo_export', 'expo_export.sha256', 'release_file.sha256')
    .select(['release.id', 'release.requirement', 'expo_export.sha256', 'expo_export.exported'])
    .where('release.app_id', '=', appId)
    .where('release.platform', '=', platform)
    .where('release_file.role', '=', 'manifest')
    .where('expo_export.sha256', 'like', `${digestStart}%`)
    .orderBy('release.sequence', 'desc')
    .executeTakeFirst()
  if (!row) return undefined
  const files = await db
    .selectFrom('release_file')
    .select(['path', 'sha256'])
    .where('release_id', '=', row.id)
    .where('role', '=', 'asset')
    .execute()
  const { runtimeVersion } = JSON.parse(row.requirement) as { runtimeVersion?: string }
  return {
    id: row.id,
    sha256: row.sha256,
    runtimeVersion,
    exported: JSON.parse(row.exported) as KeptExpoExport,
    files: files.map(({ path, sha256 }) => ({ path, sha256: sha256 ?? '' })),
  }
}

/** One release of each catalog of the platform, so that all of them are compiled anew. */
export async function listOneOfEachChannel(db: Connection, appId: string, platform: Platform): Promise<string[]> {
  const rows = await db
    .selectFrom('rollout')
    .select(({ fn }) => fn.max('release_id').as('release_id'))
    .where('app_id', '=', appId)
    .where('platform', 'in', [platform, 'any'])
    .groupBy('channel')
    .execute()
  return rows.flatMap(({ release_id }) => release_id ?? [])
}
