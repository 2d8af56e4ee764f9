import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import { migrate, type Schema } from '@hotpatch/server/testing'
import { Kysely, PGliteDialect } from 'kysely'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const MIGRATIONS = join(ROOT, 'packages/server/src/ground/database/migrations')
const CACHE = join(ROOT, 'node_modules/.cache/pglite')

/**
 * What a migrated PGlite dumped. Migrating one takes seconds, and every test file would do it anew: the dump is kept
 * until a migration or a dependency changes.
 */
export async function readMigratedPglite(): Promise<Blob> {
  const path = join(CACHE, `${await fingerprint()}.tar`)
  try {
    return new Blob([await readFile(path)])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const dump = await dumpMigratedPglite()
  await keep(path, dump)
  return dump
}

async function fingerprint(): Promise<string> {
  const names = (await readdir(MIGRATIONS)).toSorted()
  const files = [join(ROOT, 'package-lock.json'), ...names.map((name) => join(MIGRATIONS, name))]
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file}\n`).update(await readFile(file))
  return hash.digest('hex')
}

async function dumpMigratedPglite(): Promise<Blob> {
  const pglite = new PGlite()
  const db = new Kysely<Schema>({ dialect: new PGliteDialect({ pglite }) })
  await migrate(db)
  const dump = await pglite.dumpDataDir('none')
  await db.destroy()
  return dump
}

/** There as a whole or not at all; what was kept of other migrations goes. */
async function keep(path: string, dump: Blob): Promise<void> {
  const old = await readdir(CACHE).catch(() => []) // there is none yet
  await mkdir(CACHE, { recursive: true })
  const temporary = `${path}.${randomUUID()}`
  await writeFile(temporary, dump.stream())
  await rename(temporary, path)
  const outdated = old.filter((name) => name.endsWith('.tar')).map((name) => join(CACHE, name))
  await Promise.all(outdated.filter((each) => each !== path).map((each) => rm(each, { force: true })))
}
