import { mkdir } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { migrate } from '../ground/database/migrate.ts'
import { openDatabase } from '../ground/database/open-database.ts'
import type { OperatorCommand } from './command/operator-command.ts'

/** What a start does first, by itself: before many servers start on one database, or to see that an upgrade will work. */
export const migrateDatabase: OperatorCommand = {
  usage: 'migrate                                brings the database up to date, and ends',
  async run(args, { config, print }) {
    parseArgs({ args: [...args], options: {}, strict: true })
    await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 })
    const db = openDatabase(config.database)
    try {
      await migrate(db)
    } finally {
      await db.destroy()
    }
    print('The database is up to date.')
    return 0
  },
}
