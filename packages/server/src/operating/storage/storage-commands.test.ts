import { createHash } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from '@hotpatch/testkit'
import { hasObjectStore, startObjectStore } from '@hotpatch/testkit/object-store'
import { expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../../configuration/config.ts'
import { readEnvironment } from '../../configuration/env.ts'
import { DAY_MS } from '../../ground/clock.ts'
import { migrate } from '../../ground/database/migrate.ts'
import { openDatabase } from '../../ground/database/open-database.ts'
import { createDiskStorage } from '../../ground/storage/disk-storage.ts'
import { listedKeys } from '../../ground/storage/testing/storage-driver-suite.ts'
import { copyStorage } from './copy-storage.ts'
import { runStorageCommand } from './run-storage-command.ts'
import { UsageError } from '../command/usage-error.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** A data folder with a database that refers to `referred`, and a storage with those and `orphans`, put two days ago. */
async function aDataFolder({
  referred = ['one', 'two', 'three'],
  orphans = [] as string[],
  isMigrated = true,
  env = {},
}: { referred?: string[]; orphans?: string[]; isMigrated?: boolean; env?: Record<string, string> } = {}) {
  const root = await temporaryDirectory()
  const directory = join(root, 'data')
  await mkdir(directory)
  const config = readConfig(readEnvironment({ HOTPATCH_DATA: directory, ...env }))
  const twoDaysAgo = { now: () => Date.now() - 2 * DAY_MS }
  const storage = createDiskStorage({ directory: join(directory, 'artifacts'), clock: twoDaysAgo })
  for (const text of [...referred, ...orphans]) {
    const path = join(root, 'upload')
    await writeFile(path, text)
    await storage.put(sha256(text), { path, sizeBytes: text.length })
  }
  if (isMigrated) {
    const db = openDatabase(config.database)
    await migrate(db)
    for (const text of referred) {
      const row = { sha256: sha256(text), size_bytes: text.length, content_type: 'application/zip', created_at: 0 }
      await db
        .insertInto('artifact')
        .values({ ...row, kept_until: null, awaits_compression: 0, awaits_packing: 0, bytes_until: null })
        .execute()
    }
    await db.destroy()
  }
  const run = async (line: string) => {
    const printed: string[] = []
    const code = await runStorageCommand(line.split(' '), { config, print: (text) => void printed.push(text) })
    return { code, printed: printed.join('\n') }
  }
  const fileOf = (text: string) => join(directory, 'artifacts', sha256(text).slice(0, 2), sha256(text))
  return { root, directory, storage, run, fileOf }
}

const keysOf = (...texts: string[]) => texts.map(sha256).sort()

test('a copy has everything, and goes on where it was broken off', async () => {
  const { root, run, directory } = await aDataFolder()
  const copy = join(root, 'copy')
  expect(await run(`copy --from disk --to disk:${copy}`)).toMatchObject({
    code: 0,
    printed: expect.stringContaining('3 copied (11 bytes), 0 were there already'),
  })
  const target = createDiskStorage({ directory: copy, clock: Date })
  expect(await listedKeys(target)).toEqual(keysOf('one', 'two', 'three'))
  await target.remove([sha256('two')])
  expect((await run(`copy --from disk --to disk:${copy}`)).printed).toContain(
    '1 copied (3 bytes), 2 were there already',
  )
  expect(await readdir(join(directory, 'copying'))).toEqual([])
})

test('what is damaged is told, and not copied', async () => {
  const { root, run, fileOf, directory } = await aDataFolder()
  await writeFile(fileOf('two'), 'TWO')
  const copy = join(root, 'copy')
  const { code, printed } = await run(`copy --from disk --to disk:${copy}`)
  expect([code, printed]).toEqual([1, expect.stringContaining(`damaged, and not copied: ${sha256('two')}`)])
  expect(await listedKeys(createDiskStorage({ directory: copy, clock: Date }))).toEqual(keysOf('one', 'three'))
  expect(await readdir(join(directory, 'copying'))).toEqual([])
})

test('a target that fails ends the copy, and leaves no file behind', async () => {
  const { root, storage } = await aDataFolder()
  const spoolDirectory = join(root, 'copying')
  const to = { ...storage, stat: () => Promise.resolve(undefined), put: () => Promise.reject(new Error('is full')) }
  await expect(copyStorage({ from: storage, to, spoolDirectory })).rejects.toThrow('is full')
  expect(await readdir(spoolDirectory)).toEqual([])
})

test('a check finds what is missing, cut or changed', async () => {
  const { run, fileOf } = await aDataFolder({ orphans: ['nobody’s'] })
  expect(await run('check')).toMatchObject({ code: 0, printed: expect.stringContaining('0 missing, 0 damaged.') })
  await rm(fileOf('one'))
  await writeFile(fileOf('two'), 'TWO')
  await writeFile(fileOf('three'), 'thr')
  const { code, printed } = await run('check')
  expect(code).toBe(1)
  expect(printed).toContain('1 missing, 2 damaged.')
  expect(printed).toContain(`missing: ${sha256('one')}`)
  expect(printed).toContain(`damaged: ${sha256('two')}`)
  expect((await run('check --sizes-only')).printed).toContain('1 missing, 1 damaged by their size')
})

test('a prune removes what belongs to nothing, and only when that is meant', async () => {
  const { run, storage } = await aDataFolder({ orphans: ['left', 'over'] })
  expect((await run('prune')).printed).toMatch(/^2 of 5 objects .* belong to nothing \(8 bytes\)\. Nothing was removed/)
  expect(await listedKeys(storage)).toHaveLength(5)
  expect((await run('prune --older-than-hours 72 --yes')).printed).toContain(': 0 removed.')
  expect((await run('prune --yes')).printed).toContain(': 2 removed.')
  expect(await listedKeys(storage)).toEqual(keysOf('one', 'two', 'three'))
})

test.each([
  ['a database that no server has made tables in', { isMigrated: false }, /one that no server has made tables in/],
  [
    'a database that refers to nothing',
    { referred: [], orphans: ['all of it'] },
    /found one without any beside a storage/,
  ],
])('a prune refuses %s', async (_what, given, message) => {
  const { run, storage } = await aDataFolder(given)
  const before = await listedKeys(storage)
  await expect(run('prune --yes')).rejects.toThrow(message)
  expect(await listedKeys(storage)).toEqual(before)
})

test('a prune refuses the storage of another database', async () => {
  const { run, fileOf, storage } = await aDataFolder({ orphans: ['another server’s'] })
  for (const text of ['one', 'two', 'three']) await rm(fileOf(text))
  await expect(run('prune --yes')).rejects.toThrow(/found none of those that it refers to/)
  expect(await listedKeys(storage)).toHaveLength(1)
})

test.each([
  ['', /Expected copy, check or prune, found nothing/],
  ['move', /found "move"/],
  ['copy --from disk', /--to: expected disk/],
  ['copy --from disk --to disk', /found the same one twice/],
  ['copy --from s3 --to disk', /expected S3_BUCKET/],
  ['prune --older-than-hours 1 --yes', /expected 24 or more/],
  ['prune --older-than-hours soon --yes', /expected 24 or more/],
  ['check --fast', /Unknown option '--fast'/],
])('%j is no command', async (line, message) => {
  const { run } = await aDataFolder()
  const thrown: unknown = await run(line).catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(UsageError)
  expect((thrown as Error).message).toMatch(message)
})

test.skipIf(!hasObjectStore())('from the disk to a bucket, to another place in it, and back', async () => {
  const store = await startObjectStore()
  onTestFinished(() => store.stop())
  const { root, run, fileOf } = await aDataFolder({ env: { ...store.env, S3_PREFIX: 'first/' } })
  expect(await run('check')).toMatchObject({ code: 1, printed: expect.stringContaining('3 missing, 0 damaged') })
  expect((await run('copy --from disk --to s3')).printed).toContain('3 copied (11 bytes), 0 were there already')
  expect((await run('copy --from disk --to s3')).printed).toContain('0 copied (0 bytes), 3 were there already')
  expect(await run('check')).toMatchObject({ code: 0, printed: expect.stringContaining('0 missing, 0 damaged') })
  expect((await run('prune --yes')).printed).toContain('0 of 3 objects')
  expect((await run(`copy --from s3 --to s3:${store.bucket}/second/`)).printed).toContain('3 copied')
  const back = join(root, 'back')
  expect((await run(`copy --from s3:${store.bucket}/second/ --to disk:${back}`)).printed).toContain('3 copied')
  const returned = createDiskStorage({ directory: back, clock: Date })
  expect(await listedKeys(returned)).toEqual(keysOf('one', 'two', 'three'))
  await writeFile(fileOf('two'), 'TWO')
  expect((await run('check')).code).toBe(0)
})
