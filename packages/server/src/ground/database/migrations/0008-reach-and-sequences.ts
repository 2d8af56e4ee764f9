import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<Tables>): Promise<void> {
  await db.schema
    .createIndex('device_high_water')
    .on('device')
    .columns(['app_id', 'platform', 'high_water'])
    .where(sql.ref('high_water'), 'is not', null)
    .execute()
  await listPreparedRollbacks(db)
}

/** The columns that this needs, as they were then. */
interface Tables {
  rollout_guard: { rollout_id: string; prepared: string | null }
}

/** A guard had one prepared roll-back; now it has a list. */
async function listPreparedRollbacks(db: Kysely<Tables>): Promise<void> {
  const guards = await db.selectFrom('rollout_guard').selectAll().where('prepared', 'is not', null).execute()
  for (const { rollout_id, prepared } of guards) {
    if (prepared === null || prepared.startsWith('[')) continue
    await db
      .updateTable('rollout_guard')
      .set({ prepared: `[${prepared}]` })
      .where('rollout_id', '=', rollout_id)
      .execute()
  }
}
