import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { migrate } from './migrate.ts'
import { openDatabase, openReadThread } from './open-database.ts'
import type { Database } from './schema.ts'
import { createReadThread, type ReadThread, type ReadThreadOptions } from './sqlite-thread.ts'

let directory: string
let path: string
let db: Database
let reads: Database
const threads: ReadThread[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hotpatch-reads-'))
  path = join(directory, 'hotpatch.db')
  db = openDatabase({ kind: 'sqlite', path })
  await migrate(db)
  await db
    .insertInto('artifact')
    .values([artifact('a', 1), artifact('b', 2 ** 40), artifact('c', 3)])
    .execute()
  reads = openReadThread(path)
})

afterEach(async () => {
  await reads.destroy()
  await Promise.all(threads.splice(0).map((thread) => thread.close()))
  await db.destroy()
  await rm(directory, { recursive: true })
})

const artifact = (sha256: string, size_bytes: number) => ({
  sha256,
  size_bytes,
  content_type: 'x',
  created_at: 5,
  kept_until: null,
  awaits_compression: 0,
  awaits_packing: 0,
  bytes_until: null,
})

function openThread(options: Partial<ReadThreadOptions> = {}) {
  const thread = createReadThread({ path, ...options })
  threads.push(thread)
  return thread
}

/** A thread of another kind. */
async function scriptOf(source: string): Promise<URL> {
  const file = join(directory, 'thread.mjs')
  await writeFile(file, `import { parentPort } from 'node:worker_threads'\n${source}`)
  return pathToFileURL(file)
}

test('the same queries have the same answers as on the connection that writes', async () => {
  const queries = [
    (of: Database) => of.selectFrom('artifact').selectAll().orderBy('sha256').execute(),
    (of: Database) => of.selectFrom('artifact').selectAll().where('sha256', '=', 'none').execute(),
    (of: Database) => of.selectFrom('artifact').select('size_bytes').where('size_bytes', '>', 2).execute(),
    (of: Database) =>
      of
        .selectFrom('artifact')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .execute(),
    (of: Database) =>
      of
        .selectFrom('artifact')
        .select(sql<number>`cast(sum(size_bytes) as bigint)`.as('bytes'))
        .where('sha256', 'in', ['a', 'b'])
        .executeTakeFirst(),
    (of: Database) => sql`select null as missing, 1.5 as half, 'ü' as text, ${'given'} as given`.execute(of),
    (of: Database) => of.introspection.getTables(),
  ]
  for (const query of queries) expect(await query(reads)).toEqual(await query(db))
})

test('it sees what was committed, and nothing of an open transaction', async () => {
  const count = async () => (await reads.selectFrom('artifact').select('sha256').execute()).length
  expect(await count()).toBe(3)
  await db.transaction().execute(async (tx) => {
    await tx.insertInto('artifact').values(artifact('d', 4)).execute()
    expect(await count()).toBe(3)
  })
  expect(await count()).toBe(4)
})

test('it cannot write', async () => {
  await expect(reads.deleteFrom('artifact').execute()).rejects.toThrow('readonly database')
  await expect(reads.transaction().execute(() => Promise.resolve())).rejects.toThrow('reads only')
  expect(await db.selectFrom('artifact').selectAll().execute()).toHaveLength(3)
})

test('a mistake in a query is told with its code, and the thread lives on', async () => {
  await expect(sql`select unknown`.execute(reads)).rejects.toMatchObject({
    message: 'no such column: unknown',
    code: 'ERR_SQLITE_ERROR',
  })
  expect(await reads.selectFrom('artifact').selectAll().execute()).toHaveLength(3)
})

test('the thread that asks goes on while a query runs', async () => {
  let ticks = 0
  const ticking = setInterval(() => ticks++, 1)
  const numbers = sql`with recursive n(x) as (select 1 union all select x + 1 from n limit 2000000) select count(*) from n`
  await numbers.execute(reads)
  clearInterval(ticking)
  expect(ticks).toBeGreaterThan(5)
})

test('a query that takes too long is given up with its thread, and the next gets a new one', async () => {
  const script = await scriptOf(
    `parentPort.on('message', ({ id, question: { sql } }) => { if (sql !== 'silence') parentPort.postMessage({ id, answer: [sql] }) })`,
  )
  const thread = openThread({ script, timeoutMs: 2000 })
  const slow = thread.query('silence', [])
  await expect(slow).rejects.toMatchObject({ type: 'unavailable', message: expect.stringContaining('2 s') })
  await expect(thread.query('too early', [])).rejects.toMatchObject({ type: 'unavailable' })
  await expect.poll(() => thread.query('again', []).catch(() => undefined)).toEqual(['again'])
})

test('too many queries at once are refused', async () => {
  const script = await scriptOf(`parentPort.on('message', () => {})`)
  const thread = openThread({ script, maxWaiting: 2 })
  const waiting = [thread.query('1', []), thread.query('2', [])].map((query) => query.catch(String))
  await expect(thread.query('3', [])).rejects.toMatchObject({ type: 'unavailable' })
  await thread.close()
  expect(await Promise.all(waiting)).toEqual(Array(2).fill('Error: The thread that reads the database is closed.'))
  await expect(thread.query('4', [])).rejects.toThrow('closed')
})

test('a thread that dies is replaced', async () => {
  const script = await scriptOf(
    `parentPort.on('message', ({ id, question: { sql } }) => { if (sql === 'die') throw new Error('dead'); parentPort.postMessage({ id, answer: [sql] }) })`,
  )
  const thread = openThread({ script })
  await expect(thread.query('die', [])).rejects.toThrow('dead')
  expect(await thread.query('live', [])).toEqual(['live'])
})

test('a database that is not there is said', async () => {
  const thread = openThread({ path: join(directory, 'none.db') })
  await expect(thread.query('select 1', [])).rejects.toThrow('unable to open database file')
})
