import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeTemporaryDirectory } from '@hotpatch/testkit'
import { Kysely, sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { migrate } from './migrate.ts'
import { openDatabase } from './open-database.ts'
import type { Database } from './schema.ts'
import { NodeSqliteDialect } from './sqlite-dialect.ts'

test('nobody else writes between what a transaction reads and what it writes', async () => {
  const directory = await makeTemporaryDirectory()
  const path = join(directory, 'hotpatch.db')
  const db = openDatabase({ kind: 'sqlite', path })
  const other = new DatabaseSync(path, { timeout: 0 })
  onTestFinished(async () => {
    other.close()
    await db.destroy()
    await rm(directory, { recursive: true, force: true })
  })
  await migrate(db)
  const write = () => other.exec("insert into server_setting values ('theirs', 'written')")

  await db.transaction().execute(async (tx) => {
    await sql`select * from server_setting`.execute(tx)
    expect(write).toThrow(/locked/)
    await tx.insertInto('server_setting').values({ name: 'ours', value: 'written' }).execute()
  })
  write()
  const names = await db
    .selectFrom('server_setting')
    .select('name')
    .where('value', '=', 'written')
    .orderBy('name')
    .execute()
  expect(names).toEqual([{ name: 'ours' }, { name: 'theirs' }])
})

test('on a full disk it is said that the disk is full, and what comes then is not in the way', async () => {
  const opened = new DatabaseSync(':memory:')
  const db: Database = new Kysely({ dialect: new NodeSqliteDialect(opened) })
  onTestFinished(() => db.destroy())
  await migrate(db)
  const { page_count: pages } = opened.prepare('pragma page_count').get() as { page_count: number }
  opened.exec(`pragma max_page_count = ${pages + 10}`)
  const write = (name: string, value: string) =>
    db.transaction().execute((tx) => tx.insertInto('server_setting').values({ name, value }).execute())
  await expect(write('large', 'x'.repeat(1_000_000))).rejects.toThrow('database or disk is full')
  await write('small', 'x')
  const found = await db.selectFrom('server_setting').select('name').where('name', 'in', ['small', 'large']).execute()
  expect(found).toEqual([{ name: 'small' }])
})
