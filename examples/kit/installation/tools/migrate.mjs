// Brings the shop's database to the level HOTPATCH_KIT_MIGRATE_TO: runs what of the release's SQL, in the folder
// HOTPATCH_KIT_FILE, is above the one that it has. May run any number of times. On the way back nothing is undone: steps only
// add, so that the release before works with what the next one has added.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const root = new URL('../', import.meta.url).pathname
const level = Number(process.env.HOTPATCH_KIT_MIGRATE_TO)
const folder = process.env.HOTPATCH_KIT_FILE
if (!Number.isInteger(level)) throw new Error('HOTPATCH_KIT_MIGRATE_TO: expected a whole number.')

const database = new DatabaseSync(join(root, 'data', 'shop.db'), { timeout: 10_000 })
database.exec('create table if not exists level (number integer not null)')
const now = () => database.prepare('select coalesce(max(number), 0) as number from level').get().number
const byNumber = (a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)
const steps = readdirSync(folder)
  .filter((name) => /^\d+-.*\.sql$/.test(name))
  .toSorted(byNumber)
for (const name of steps) {
  const number = Number.parseInt(name, 10)
  if (number <= now() || number > level) continue
  database.exec('begin immediate')
  try {
    database.exec(readFileSync(join(folder, name), 'utf8'))
    database.prepare('insert into level values (?)').run(number)
    database.exec('commit')
    console.log(`The database is at level ${number}.`)
  } catch (error) {
    database.exec('rollback')
    throw error
  }
}
if (now() < level) throw new Error(`Expected the level ${level}, found ${now()}: the release has no such step.`)
database.close()
