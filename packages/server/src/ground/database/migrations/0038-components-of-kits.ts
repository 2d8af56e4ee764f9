import { sql, type Kysely } from 'kysely'

/** Of which component of a kit something is told; figures of a rollout are counted by it. */
const STATEMENTS: readonly string[] = [
  `alter table device_event add column component text`,
  `create index device_event_component on device_event (rollout_id, component, kind, device_id) where component is not null`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
