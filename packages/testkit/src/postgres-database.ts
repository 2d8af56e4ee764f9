import { randomUUID } from 'node:crypto'
import { openDatabase } from '@hotpatch/server/testing'
import { sql } from 'kysely'

declare module 'vitest' {
  interface ProvidedContext {
    /** A database of the PostgreSQL that TEST_POSTGRES_URL names, of which tests take copies; undefined without one. */
    migratedPostgres: string | undefined
  }
}

/**
 * Makes a database on the server that `serverUrl` names; `drop` removes it.
 * @param template a database that it is a copy of, to which nobody is connected; empty when absent
 */
export async function createPostgresDatabase(
  serverUrl: string,
  template?: string,
): Promise<{ name: string; url: string; drop(): Promise<void> }> {
  const name = `hotpatch_test_${randomUUID().replaceAll('-', '')}`
  const admin = async (statement: string) => {
    const db = openDatabase({ kind: 'postgres', url: serverUrl, maxConnections: 1 })
    try {
      await sql.raw(statement).execute(db)
    } finally {
      await db.destroy()
    }
  }
  await admin(`create database ${name}${template === undefined ? '' : ` template ${template}`}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return { name, url: url.href, drop: () => admin(`drop database if exists ${name} with (force)`) }
}
