import { describeOnEveryDatabase, dumpDatabase } from '@hotpatch/testkit'
import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { beforeAll, describe, expect, test } from 'vitest'
import { migrate, SchemaTooNewError } from './migrate.ts'
import { MIGRATIONS } from './migrations/index.ts'
import { openDatabase } from './open-database.ts'
import type { Database } from './schema.ts'

describe('the schema', () => {
  // After a new migration, `npx vitest run packages/server/src/database/migrate.test.ts -u` writes it anew.
  test('is the committed one', async () => {
    const db = openDatabase({ kind: 'sqlite', path: ':memory:' })
    await migrate(db)
    const { rows } = await sql<{ sql: string }>`select sql from sqlite_master
      where sql is not null and name not like 'kysely_%' and name not like 'sqlite_%'
      order by tbl_name, type != 'table', name`.execute(db)
    await db.destroy()
    const text = rows.map((row) => `${readable(row.sql)};\n`).join('\n')
    await expect(text).toMatchFileSnapshot('schema.sql')
  })
})

/** One line for each column and constraint. */
function readable(statement: string): string {
  const oneLine = statement.replace(/\s+/g, ' ').replace(/^CREATE (?:UNIQUE )?\w+/, (start) => start.toLowerCase())
  const [, head, body, end = ''] = /^(create table \w+) \( ?(.*?) ?\)( without rowid)?$/.exec(oneLine) ?? []
  if (head === undefined || body === undefined) return oneLine
  return `${head} (\n  ${body.replace(/, (?=\w+ [a-z])/g, ',\n  ')}\n)${end}`
}

describeOnEveryDatabase('migrations', (open, database) => {
  let db: Database
  beforeAll(async () => {
    db = await open()
    await sql`insert into artifact (sha256, size_bytes, content_type, created_at) values ('abc', 1, 'application/zip', 1)`.execute(
      db,
    )
  })

  /** Tables, columns and rows. */
  const stateOf = async (found: Database) => {
    const tables = await found.introspection.getTables()
    const shape = tables.map(({ name, columns }) => `${name}: ${columns.map((column) => column.name).join(' ')}`)
    return [shape.sort(), await dumpDatabase(found)]
  }

  test('that ran before do not run again', async () => {
    const before = await stateOf(db)
    await migrate(db)
    expect(await stateOf(db)).toEqual(before)
  })

  test('give the same tables on every database', async () => {
    const sqlite = openDatabase({ kind: 'sqlite', path: ':memory:' })
    await migrate(sqlite)
    const shapeOf = async (found: Database) => {
      const tables = await found.introspection.getTables()
      return Object.fromEntries(
        tables.map(({ name, columns }) => [
          name,
          Object.fromEntries(columns.map((column) => [column.name, column.isNullable])),
        ]),
      )
    }
    expect(Object.keys(await shapeOf(db)).sort()).toEqual(Object.keys(await shapeOf(sqlite)).sort())
    for (const [name, columns] of Object.entries(await shapeOf(sqlite))) {
      expect(Object.keys((await shapeOf(db))[name] ?? {}).sort()).toEqual(Object.keys(columns).sort())
    }
    await sqlite.destroy()
  })

  test('of a newer server are refused by name, and nothing is touched', async () => {
    await sql`insert into kysely_migration (name, timestamp) values ('9999-from-the-future', 'then')`.execute(db)
    const before = await stateOf(db)
    const refusal = await migrate(db).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(SchemaTooNewError)
    const newest = Object.keys(MIGRATIONS).at(-1)
    expect((refusal as Error).message).toContain('"9999-from-the-future"')
    expect((refusal as Error).message).toContain(`"${newest}"`)
    expect(await stateOf(db)).toEqual(before)
    await sql`delete from kysely_migration where name like '9999%'`.execute(db)
  })

  test('that fail half way leave nothing, and can be tried again', async () => {
    const step: Migration = {
      up: (db: Kysely<unknown>) => db.schema.createTable('one').addColumn('id', 'text').execute(),
    }
    const failing: Migration = {
      async up(db: Kysely<unknown>) {
        await db.schema.createTable('two').addColumn('id', 'text').execute()
        await sql`insert into two values ('row')`.execute(db)
        await sql`alter table artifact add column extra text`.execute(db)
        throw new Error('half way')
      },
    }
    const before = await stateOf(db)
    const both = { ...MIGRATIONS, '9001-one': step, '9002-two': failing }
    const refusal = await migrate(db, both).catch((error: unknown) => error)
    expect((refusal as Error).message).toBe('The database migration 9002-two failed; nothing was changed.')
    expect(((refusal as Error).cause as Error).message).toBe('half way')
    expect(await stateOf(db)).toEqual(before)
    await migrate(db, { ...MIGRATIONS, '9001-one': step })
    expect(await dumpDatabase(db)).toMatchObject({ one: [], artifact: [expect.stringContaining('abc')] })
  })

  test.runIf(database === 'postgres')('run once when two servers start at once', async () => {
    const migrations = {
      ...MIGRATIONS,
      '9001-one': { up: () => Promise.resolve() },
      '9003-three': {
        up: (db: Kysely<unknown>) => db.schema.createTable('three').addColumn('id', 'text').execute(),
      },
    }
    await Promise.all([migrate(db, migrations), migrate(db, migrations)])
    expect(await dumpDatabase(db)).toHaveProperty('three')
  })
})
