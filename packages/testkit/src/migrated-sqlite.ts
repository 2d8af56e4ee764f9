import { DatabaseSync } from 'node:sqlite'
import { migrate, NodeSqliteDialect, type Database, type Schema } from '@hotpatch/server/testing'
import { Kysely } from 'kysely'

let migrated: Promise<Uint8Array> | undefined

/** Empty, in memory, and migrated: a copy of one. Migrating takes half of a server's start, and tests start thousands. */
export async function openMigratedSqlite(): Promise<Database> {
  const content = await (migrated ??= dumpMigratedSqlite())
  const database = new DatabaseSync(':memory:')
  database.deserialize(content)
  return openOver(database)
}

async function dumpMigratedSqlite(): Promise<Uint8Array> {
  const database = new DatabaseSync(':memory:')
  const db = openOver(database)
  await migrate(db)
  const content = database.serialize()
  await db.destroy()
  return content
}

const openOver = (database: DatabaseSync) => new Kysely<Schema>({ dialect: new NodeSqliteDialect(database) })
