import { migrate, openDatabase, sql, type Database } from '@hotpatch/server/testing'
import { expect, onTestFinished, test } from 'vitest'
import { openMigratedSqlite } from './migrated-sqlite.ts'

const schemaOf = async (db: Database) =>
  (await sql`select type, name, sql from sqlite_schema order by name`.execute(db)).rows

async function open(): Promise<Database> {
  const db = await openMigratedSqlite()
  onTestFinished(() => db.destroy())
  return db
}

test('a copy is what migrations make, with keys that are held, and migrating it again changes nothing', async () => {
  const db = await open()
  const migrated = openDatabase({ kind: 'sqlite', path: ':memory:' })
  onTestFinished(() => migrated.destroy())
  await migrate(migrated)
  expect(await schemaOf(db)).toEqual(await schemaOf(migrated))
  await migrate(db)
  expect(await schemaOf(db)).toEqual(await schemaOf(migrated))
  expect((await sql`pragma foreign_keys`.execute(db)).rows).toEqual(
    (await sql`pragma foreign_keys`.execute(migrated)).rows,
  )
  expect((await sql`pragma foreign_keys`.execute(db)).rows).toEqual([{ foreign_keys: 1 }])
})

test('copies know nothing of each other', async () => {
  const [one, other] = [await open(), await open()]
  await sql`create table thing (name text)`.execute(one)
  await expect(sql`select * from thing`.execute(other)).rejects.toThrow('no such table')
})
