import { rm } from 'node:fs/promises'
import { backup, DatabaseSync } from 'node:sqlite'
import type { SqlitePort } from '../component-adapter.ts'

/** A copy without -wal and -shm: what these held is in it. */
export function createNodeSqlite(): SqlitePort {
  return {
    async copy(from, to) {
      await rm(to, { force: true })
      const database = new DatabaseSync(from, { readOnly: true })
      try {
        await backup(database, to)
      } finally {
        database.close()
      }
    },
  }
}
