import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeTemporaryDirectory } from '@hotpatch/testkit'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { migrate } from './migrate.ts'
import { openDatabase } from './open-database.ts'

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
