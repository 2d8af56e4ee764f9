import { knowsDevices } from '../../fleet/devices/device-queries.ts'
import type { Connection } from '../../ground/database/schema.ts'

/** Whether something was ever published for an app, or a device ever showed itself. */
export async function isUsed(db: Connection, appId: string): Promise<boolean> {
  const release = await db.selectFrom('release').select('id').where('app_id', '=', appId).limit(1).execute()
  const rollout = await db.selectFrom('rollout').select('id').where('app_id', '=', appId).limit(1).execute()
  return release.length + rollout.length > 0 || knowsDevices(db, appId)
}

/**
 * All that an app has that was never used, and frees its slug. The audit log and what was announced stay, and its row:
 * a device may be telling about it just now.
 */
export async function deleteUnusedApp(tx: Connection, appId: string, now: number): Promise<void> {
  await tx.deleteFrom('token_family').where('token_id', 'in', tokensOf(tx, appId)).execute()
  await tx.deleteFrom('trust_rule').where('token_id', 'in', tokensOf(tx, appId)).execute()
  for (const table of ['api_token', 'webhook', 'experiment', 'cohort'] as const) {
    await tx.deleteFrom(table).where('app_id', '=', appId).execute()
  }
  for (const table of [
    'signed_answer',
    'answer_certificate',
    'edge_pointer',
    'edge_catalog',
    'edge_key_document',
    'edge_key',
    'embedded_update',
    'app_artifact',
    'app_bundle_id',
    'channel_key',
    'install_page',
    'signed_appcast',
    'signing_key',
    'platform_sequence',
    'catalog_generation',
    'check_hour',
    'unkept_hour',
    'activity',
  ] as const) {
    await tx.deleteFrom(table).where('app_id', '=', appId).execute()
  }
  await tx.deleteFrom('channel').where('app_id', '=', appId).execute()
  await tx.updateTable('app').set({ slug: appId, deleted_at: now }).where('id', '=', appId).execute()
}

function tokensOf(db: Connection, appId: string) {
  return db.selectFrom('api_token').select('id').where('app_id', '=', appId)
}
