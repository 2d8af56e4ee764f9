import { mkdir } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { systemTimers } from '../ground/clock.ts'
import { migratePatiently } from '../ground/database/migrate-patiently.ts'
import { openDatabase } from '../ground/database/open-database.ts'
import type { OperatorCommand } from './command/operator-command.ts'

/** What a start does first, by itself: before many servers start on one database, or to see that an upgrade will work. */
export const migrateDatabase: OperatorCommand = {
  usage: 'migrate                                brings the database up to date, and ends',
  async run(args, { config, print }) {
    parseArgs({ args: [...args], options: {}, strict: true })
    await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 })
    const say = (_: object, text: string) => print(text)
    const log = { warn: say, info: say }
    const change = await migratePatiently(openDatabase(config.database, 'migrations'), { timers: systemTimers, log })
    print(change && change.from !== null ? sayUpgraded(change.from, change.to) : 'The database is up to date.')
    return 0
  },
}

function sayUpgraded(from: string, to: string): string {
  return `The database was brought up to date: from the schema "${from}" to "${to}".`
}
