import { migrate, openDatabase } from '@hotpatch/server/testing'
import type { TestProject } from 'vitest/node'
import { createPostgresDatabase } from './postgres-database.ts'

/** Before all tests, and after them: migrating one takes a second, and tests open hundreds. */
export default async function setUp(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const serverUrl = process.env.TEST_POSTGRES_URL
  if (!serverUrl) return undefined
  const { name, url, drop } = await createPostgresDatabase(serverUrl)
  const db = openDatabase({ kind: 'postgres', url, maxConnections: 1 })
  await migrate(db)
  await db.destroy()
  project.provide('migratedPostgres', name)
  return drop
}
