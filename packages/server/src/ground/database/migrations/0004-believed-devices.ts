import { sql, SqliteAdapter, type CreateTableBuilder, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await addSettings(db)
  await addBelief(db)
  await addSamples(db)
  await takeOverWhatWasCounted(db)
}

async function addSettings(db: Kysely<unknown>): Promise<void> {
  await addColumn(db, 'app', 'trust', 'text', '{}')
  await db.schema
    .alterTable('app')
    .addColumn('device_cohorts', 'text', (column) =>
      column
        .notNull()
        .defaultTo('ignored')
        .check(sql`device_cohorts in ('ignored', 'allowed')`),
    )
    .execute()
  await db.schema
    .alterTable('app')
    .addColumn('device_credentials', 'text', (column) =>
      column
        .notNull()
        .defaultTo('off')
        .check(sql`device_credentials in ('off', 'optional', 'required')`),
    )
    .execute()
}

async function addBelief(db: Kysely<unknown>): Promise<void> {
  for (const name of ['first_check_at', 'established_at', 'credential_at'] as const) {
    await db.schema.alterTable('device').addColumn(name, 'bigint').execute()
  }
  await db.schema.alterTable('device').addColumn('network', 'text').execute()
  await addColumn(db, 'rollout_device', 'is_known', 'integer', 0)
  await db.schema.alterTable('rollout_device').addColumn('standing', 'integer').execute()
  await db.schema.alterTable('rollout_device').addColumn('standing_at', 'bigint').execute()
  await db.schema.alterTable('rollout_device').addColumn('network', 'text').execute()
  await db.schema.alterTable('rollout_plan').addColumn('step_sample', 'text').execute()
}

async function addSamples(db: Kysely<unknown>): Promise<void> {
  await withoutRowid(
    db,
    db.schema
      .createTable('rollout_sample')
      .addColumn('rollout_id', 'text', (column) => column.notNull())
      .addColumn('hour_at', 'bigint', (column) => column.notNull())
      .addColumn('standing', 'integer', (column) => column.notNull())
      .addColumn('attempted', 'bigint', (column) => column.notNull())
      .addColumn('attempted_bad', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('rollout_sample_key', ['rollout_id', 'hour_at', 'standing']),
  )
  await withoutRowid(
    db,
    db.schema
      .createTable('rollout_network')
      .addColumn('rollout_id', 'text', (column) => column.notNull())
      .addColumn('day_at', 'bigint', (column) => column.notNull())
      .addColumn('network', 'text', (column) => column.notNull())
      .addColumn('devices', 'bigint', (column) => column.notNull())
      .addColumn('bad', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('rollout_network_key', ['rollout_id', 'day_at', 'network']),
  )
  await db.schema.createIndex('rollout_network_day').on('rollout_network').column('day_at').execute()
}

/** What was counted before anybody asked whom to believe stays counted: guards and plans that run go on from there. */
async function takeOverWhatWasCounted(db: Kysely<unknown>): Promise<void> {
  await sql`update device set first_check_at = first_seen_at where last_check_at is not null`.execute(db)
  await sql`update device set established_at = last_check_at
    where last_check_at - first_seen_at >= ${sql.lit(30 * 60_000)}`.execute(db)
  await sql`update rollout_device set standing = 0, standing_at = attempted_at, is_known = 1
    where attempted_at is not null`.execute(db)
  await sql`insert into rollout_sample (rollout_id, hour_at, standing, attempted, attempted_bad)
    select rollout_id, hour_at, 0, attempted, attempted_bad from rollout_hour
    where attempted > 0 or attempted_bad > 0`.execute(db)
}

function addColumn(db: Kysely<unknown>, table: string, name: string, type: 'integer' | 'text', initially: unknown) {
  return db.schema
    .alterTable(table)
    .addColumn(name, type, (column) => column.notNull().defaultTo(initially))
    .execute()
}

/** A table that is its own index takes half the room on SQLite; PostgreSQL has no such thing. */
function withoutRowid<Table extends string, Column extends string>(
  db: Kysely<unknown>,
  table: CreateTableBuilder<Table, Column>,
) {
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter
  return (isSqlite ? table.modifyEnd(sql`without rowid`) : table).execute()
}
