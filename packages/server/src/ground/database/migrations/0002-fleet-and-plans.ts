import { sql, SqliteAdapter, type CreateTableBuilder, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await changeWhatIsThere(db)
  await addFleetCounters(db)
  await addAudiences(db)
  await addPlansAndGuards(db)
  await addAnnouncements(db)
  await compareDeviceIdsByCharacters(db)
}

async function changeWhatIsThere(db: Kysely<unknown>): Promise<void> {
  // Apps from before keep the ids that their fleet is known by.
  await db.schema
    .alterTable('app')
    .addColumn('device_ids', 'text', (column) =>
      column
        .notNull()
        .defaultTo('as-given')
        .check(sql`device_ids in ('hashed', 'as-given')`),
    )
    .execute()
  await addColumn(db, 'app', 'event_retention_days', 'integer', 90)
  await addColumn(db, 'app', 'device_retention_days', 'integer', 400)
  await addColumn(db, 'app', 'guard', 'text', '{}')

  await addColumn(db, 'rollout', 'rules', 'text', '[]')
  await db.schema.alterTable('rollout').addColumn('slice', 'text').execute()
  await db.schema.alterTable('rollout').addColumn('experiment_id', 'text').execute()
  await addColumn(db, 'rollout', 'awaits_start', 'integer', 0)
  await db.schema
    .createIndex('rollout_awaits_start')
    .on('rollout')
    .column('starts_at')
    .where(sql.ref('awaits_start'), '=', sql.lit(1))
    .execute()

  for (const name of ['native_build', 'os_version', 'model', 'locale', 'rollout_id'] as const) {
    await db.schema.alterTable('device').addColumn(name, 'text').execute()
  }
  await db.schema.alterTable('device').addColumn('last_check_at', 'bigint').execute()
  await db.schema.alterTable('device').addColumn('gone_at', 'bigint').execute()
  await addColumn(db, 'device', 'progress', 'integer', 0)
  await db.schema
    .createIndex('device_release')
    .on('device')
    .columns(['app_id', 'current_release_id', 'last_seen_at', 'device_id'])
    .execute()
  // What insights count by, without reading the devices themselves.
  await db.schema
    .createIndex('device_place')
    .on('device')
    .columns(['app_id', 'platform', 'channel', 'current_release_id', 'gone_at', 'first_seen_at'])
    .execute()

  await db.schema.alterTable('device_event').addColumn('rollout_id', 'text').execute()
  await db.schema.alterTable('device_event').addColumn('received_bytes', 'bigint').execute()
  await db.schema.createIndex('device_event_time').on('device_event').columns(['app_id', 'received_at']).execute()
}

async function addFleetCounters(db: Kysely<unknown>): Promise<void> {
  await withoutRowid(
    db,
    db.schema
      .createTable('rollout_device')
      .addColumn('device_id', 'text', (column) => column.notNull())
      .addColumn('rollout_id', 'text', (column) => column.notNull())
      .addColumn('progress', 'integer', (column) => column.notNull())
      .addColumn('offered_at', 'bigint')
      .addColumn('attempted_at', 'bigint')
      .addColumn('changed_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('rollout_device_key', ['device_id', 'rollout_id']),
  )
  // Those that were offered a release and have not tried it: below the bits of `ATTEMPTED`.
  await db.schema
    .createIndex('rollout_device_waiting')
    .on('rollout_device')
    .columns(['rollout_id', 'changed_at'])
    .where(sql.ref('progress'), '<', sql.lit(16))
    .execute()

  const counters = [
    'offered',
    'download_started',
    'downloaded',
    'download_failed',
    'applied',
    'confirmed',
    'running',
    'failed',
    'rolled_back',
    'crashed',
    'attempted',
    'attempted_bad',
    'told_downloads',
    'received_bytes',
  ]
  let hours = db.schema
    .createTable('rollout_hour')
    .addColumn('rollout_id', 'text', (column) => column.notNull())
    .addColumn('hour_at', 'bigint', (column) => column.notNull())
  for (const counter of counters) {
    hours = hours.addColumn(counter, 'bigint', (column) => column.notNull().defaultTo(0))
  }
  await withoutRowid(db, hours.addPrimaryKeyConstraint('rollout_hour_key', ['rollout_id', 'hour_at']))

  await withoutRowid(
    db,
    db.schema
      .createTable('activity')
      .addColumn('app_id', 'text', (column) => column.notNull())
      .addColumn('period', 'text', (column) => column.notNull().check(sql`period in ('hour', 'day', 'week', 'month')`))
      .addColumn('starts_at', 'bigint', (column) => column.notNull())
      .addColumn('platform', 'text', (column) => column.notNull())
      .addColumn('channel', 'text', (column) => column.notNull())
      .addColumn('version', 'text', (column) => column.notNull())
      .addColumn('devices', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('activity_key', ['app_id', 'period', 'starts_at', 'platform', 'channel', 'version']),
  )

  await withoutRowid(
    db,
    db.schema
      .createTable('check_hour')
      .addColumn('app_id', 'text', (column) => column.notNull())
      .addColumn('hour_at', 'bigint', (column) => column.notNull())
      .addColumn('platform', 'text', (column) => column.notNull())
      .addColumn('channel', 'text', (column) => column.notNull())
      .addColumn('decision', 'text', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('checks', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('check_hour_key', ['app_id', 'hour_at', 'platform', 'channel', 'decision', 'reason']),
  )

  await withoutRowid(
    db,
    db.schema
      .createTable('download_hour')
      .addColumn('sha256', 'text', (column) => column.notNull())
      .addColumn('hour_at', 'bigint', (column) => column.notNull())
      .addColumn('downloads', 'bigint', (column) => column.notNull())
      .addColumn('sent_bytes', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('download_hour_key', ['sha256', 'hour_at']),
  )

  await db.schema
    .createTable('fleet_source')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('last_batch', 'bigint', (column) => column.notNull())
    .addColumn('written_at', 'bigint', (column) => column.notNull())
    .execute()
}

async function addAudiences(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('cohort')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('app_id', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('generation', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('cohort_name', ['app_id', 'name'])
    .addForeignKeyConstraint('cohort_app', ['app_id'], 'app', ['id'])
    .execute()
  await withoutRowid(
    db,
    db.schema
      .createTable('cohort_member')
      .addColumn('cohort_id', 'text', (column) => column.notNull())
      .addColumn('device_id', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('cohort_member_key', ['cohort_id', 'device_id'])
      .addForeignKeyConstraint('cohort_member_cohort', ['cohort_id'], 'cohort', ['id'], (key) =>
        key.onDelete('cascade'),
      ),
  )

  await db.schema
    .createTable('experiment')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('app_id', 'text', (column) => column.notNull())
    .addColumn('platform', 'text', (column) => column.notNull())
    .addColumn('channel', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull().check(sql`state in ('running', 'finished')`))
    .addColumn('percentage', 'double precision', (column) => column.notNull())
    .addColumn('arms', 'text', (column) => column.notNull())
    .addColumn('winner', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('finished_at', 'bigint')
    .addForeignKeyConstraint('experiment_channel', ['app_id', 'channel'], 'channel', ['app_id', 'name'])
    .execute()
  await db.schema.createIndex('experiment_app').on('experiment').columns(['app_id', 'id']).execute()
}

async function addPlansAndGuards(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('rollout_plan')
    .addColumn('rollout_id', 'text', (column) => column.primaryKey())
    .addColumn('state', 'text', (column) => column.notNull().check(sql`state in ('running', 'finished')`))
    .addColumn('steps', 'text', (column) => column.notNull())
    .addColumn('windows', 'text')
    .addColumn('step', 'integer', (column) => column.notNull())
    .addColumn('step_started_at', 'bigint')
    .addColumn('step_base', 'bigint', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addForeignKeyConstraint('rollout_plan_rollout', ['rollout_id'], 'rollout', ['id'])
    .execute()
  await db.schema.createIndex('rollout_plan_state').on('rollout_plan').column('state').execute()

  await db.schema
    .createTable('rollout_guard')
    .addColumn('rollout_id', 'text', (column) => column.primaryKey())
    .addColumn('state', 'text', (column) => column.notNull().check(sql`state in ('watching', 'tripped', 'over')`))
    .addColumn('settings', 'text', (column) => column.notNull())
    .addColumn('since_at', 'bigint', (column) => column.notNull())
    .addColumn('base', 'text', (column) => column.notNull())
    .addColumn('looks', 'integer', (column) => column.notNull())
    .addColumn('last_sample', 'bigint', (column) => column.notNull())
    .addColumn('last_bad', 'bigint', (column) => column.notNull())
    .addColumn('last_look_at', 'bigint')
    .addColumn('tripped_at', 'bigint')
    .addColumn('figures', 'text')
    .addColumn('prepared', 'text')
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .addForeignKeyConstraint('rollout_guard_rollout', ['rollout_id'], 'rollout', ['id'])
    .execute()
  await db.schema.createIndex('rollout_guard_state').on('rollout_guard').column('state').execute()
  await addGuardsToRollouts(db)
}

/** Switched off: nothing is to happen to rollouts from before by itself, unless somebody wants it from now on. */
async function addGuardsToRollouts(db: Kysely<unknown>): Promise<void> {
  const settings = {
    isOn: false,
    action: 'pause',
    minimumSample: 50,
    windowHours: 24,
    maxBadPercent: 5,
    maxTimesPrevious: 2,
  }
  const base = { attempted: 0, sample: 0, bad: 0 }
  await sql`
    insert into rollout_guard
      (rollout_id, state, settings, since_at, base, looks, last_sample, last_bad, revision)
    select id, case when state in ('halted', 'withdrawn') then 'over' else 'watching' end,
      ${sql.lit(JSON.stringify(settings))}, created_at, ${sql.lit(JSON.stringify(base))}, 0, 0, 0, 1
    from rollout where release_id is not null`.execute(db)
}

async function addAnnouncements(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('announcement')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('app_id', 'text')
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('data', 'text', (column) => column.notNull())
    .addColumn('position', 'bigint')
    .execute()
  await db.schema.createIndex('announcement_position').on('announcement').columns(['position', 'id']).execute()

  await db.schema
    .createTable('webhook')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('app_id', 'text')
    .addColumn('url', 'text', (column) => column.notNull())
    .addColumn('types', 'text', (column) => column.notNull())
    .addColumn('secrets', 'text', (column) => column.notNull())
    .addColumn('is_enabled', 'integer', (column) => column.notNull())
    .addColumn('disabled_reason', 'text')
    .addColumn('failing_since', 'bigint')
    .addColumn('last_failed_at', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addForeignKeyConstraint('webhook_app', ['app_id'], 'app', ['id'])
    .execute()

  await db.schema
    .createTable('webhook_delivery')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('webhook_id', 'text', (column) => column.notNull())
    .addColumn('announcement_id', 'text', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('payload', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull().check(sql`state in ('pending', 'delivered', 'failed')`))
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('next_attempt_at', 'bigint')
    .addColumn('claim', 'text')
    .addColumn('last_status', 'integer')
    .addColumn('last_error', 'text')
    .addColumn('duration_ms', 'integer')
    .addColumn('log', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('finished_at', 'bigint')
    .addUniqueConstraint('webhook_delivery_once', ['webhook_id', 'announcement_id'])
    .addForeignKeyConstraint('webhook_delivery_webhook', ['webhook_id'], 'webhook', ['id'], (key) =>
      key.onDelete('cascade'),
    )
    .execute()
  await db.schema
    .createIndex('webhook_delivery_due')
    .on('webhook_delivery')
    .columns(['state', 'next_attempt_at'])
    .execute()
  await db.schema.createIndex('webhook_delivery_log').on('webhook_delivery').columns(['webhook_id', 'id']).execute()

  await db.schema
    .createTable('server_setting')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('value', 'text', (column) => column.notNull())
    .execute()
}

/**
 * On PostgreSQL, as SQLite does: only so does an index find ids by how they begin, whatever the database's language.
 * All tables alike, as texts that compare differently cannot be joined.
 */
async function compareDeviceIdsByCharacters(db: Kysely<unknown>): Promise<void> {
  if (isSqlite(db)) return
  for (const table of ['device', 'device_event', 'device_failure', 'rollout_device', 'cohort_member']) {
    await sql`alter table ${sql.table(table)} alter column device_id type text collate "C"`.execute(db)
  }
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
  return (isSqlite(db) ? table.modifyEnd(sql`without rowid`) : table).execute()
}

function isSqlite(db: Kysely<unknown>): boolean {
  return db.getExecutor().adapter instanceof SqliteAdapter
}
