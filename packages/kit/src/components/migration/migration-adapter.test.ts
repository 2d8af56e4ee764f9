import { DatabaseSync } from 'node:sqlite'
import { createNodeCrypto, systemClock } from '@hotpatch/client/node'
import { temporaryDirectory } from '@hotpatch/testkit'
import { expect, onTestFinished, test } from 'vitest'
import type { HookCommand, HooksPort } from '../../ground/hooks.ts'
import type { KitDisk } from '../../ground/kit-disk.ts'
import { createNodeDisk } from '../../ground/node-disk.ts'
import { createNodeHooks } from '../../hooks/node-hooks.ts'
import { describeComponentAdapter, layFiles, workOn, type ComponentCase } from '../testing/component-suite.ts'
import { migrationAdapter } from './migration-adapter.ts'
import { createNodeSqlite } from './node-sqlite.ts'

const hook = (...run: [string, ...string[]]): HookCommand => ({ run, timeoutMs: 60_000 })
const DATA = ['data/notes.txt', 'data/db.sqlite', 'data/db.sqlite-wal', 'data/dump']

/** What programs of an installation would do, on the disk of the test. */
const hooksOn = (disk: KitDisk): HooksPort => ({
  async run({ run: [name] }, facts) {
    const backup = facts.HOTPATCH_KIT_BACKUP?.slice(disk.locate('.kit').length - '.kit'.length) ?? ''
    const level = facts.HOTPATCH_KIT_MIGRATE_TO
    if (name === 'migrate') {
      for (const path of DATA) await disk.write(path, Buffer.from(`level ${level}`))
      await disk.syncDirectory('data')
    }
    if (name === 'save') await disk.write(backup, (await disk.read('data/dump')) ?? Buffer.from('none'))
    if (name === 'restore') {
      const saved = (await disk.read(backup)) ?? expect.unreachable()
      if (Buffer.from(saved).toString() === 'none') await disk.remove('data/dump')
      else await disk.write('data/dump', saved)
      await disk.syncDirectory('data')
    }
    return { exitCode: 0, output: '' }
  },
})

const of: ComponentCase = {
  adapter: migrationAdapter,
  component: { migratesTo: '12' },
  place: {
    path: '',
    migration: {
      run: hook('migrate'),
      backup: [
        { kind: 'file', path: 'data/notes.txt' },
        { kind: 'sqlite', path: 'data/db.sqlite' },
        { kind: 'commands', save: hook('save'), restore: hook('restore') },
      ],
    },
  },
  before: {
    'old data': { lay: (disk) => layFiles(disk, Object.fromEntries(DATA.map((path) => [path, `old ${path}`]))) },
    'data without pages beside them': {
      lay: (disk) => layFiles(disk, { 'data/db.sqlite': 'old', 'data/dump': 'old' }),
    },
  },
  touches: DATA,
  hooks: hooksOn,
  failsFullAs: 'migration-failed',
  expectNew(seen) {
    for (const path of DATA) expect(seen.get(path)).toBe('644 level 12')
  },
}

describeComponentAdapter('migration', of)

const NODE = process.execPath
const MIGRATE = `
const { DatabaseSync } = require('node:sqlite')
const database = new DatabaseSync('data/db.sqlite')
database.exec("PRAGMA journal_mode = WAL; ALTER TABLE note ADD COLUMN level TEXT; UPDATE note SET level = " + Number(process.env.HOTPATCH_KIT_MIGRATE_TO))
require('node:fs').writeFileSync('data/seen.txt', process.env.HOTPATCH_KIT_FILE ?? '')
process.exit(Number(process.argv[1] ?? 0))`

async function realDatabase(exitCode: string) {
  const disk = createNodeDisk(await temporaryDirectory())
  await disk.makeDirectory('data')
  const running = new DatabaseSync(disk.locate('data/db.sqlite'))
  // Still open: what it has written is beside the database, and not in it.
  running.exec("PRAGMA journal_mode = WAL; CREATE TABLE note (text TEXT); INSERT INTO note VALUES ('one')")
  onTestFinished(() => running.close())
  const run = { run: [NODE, '-e', MIGRATE, exitCode] as [string, ...string[]], timeoutMs: 60_000 }
  const real: ComponentCase = {
    ...of,
    place: { path: '', migration: { run, backup: [{ kind: 'sqlite', path: 'data/db.sqlite' }] } },
    hooks: () => createNodeHooks({ directory: disk.locate(''), environment: {}, clock: systemClock() }),
  }
  const work = workOn(real, disk)
  return { disk, work: { ...work, ports: { ...work.ports, crypto: createNodeCrypto(), sqlite: createNodeSqlite() } } }
}

function rowsOf(disk: KitDisk): unknown[] {
  const database = new DatabaseSync(disk.locate('data/db.sqlite'))
  const rows = database.prepare('SELECT * FROM note').all()
  database.close()
  return rows.map((row) => ({ ...row }))
}

test('a real database that is in use: migrated, and taken back', async () => {
  const { disk, work } = await realDatabase('0')
  await migrationAdapter.prepare(work)
  await migrationAdapter.apply(work)
  expect(rowsOf(disk)).toEqual([{ text: 'one', level: '12' }])
  await migrationAdapter.revert(work)
  expect(rowsOf(disk)).toEqual([{ text: 'one' }])
})

test('a migration that fails in its middle says why, and is taken back', async () => {
  const { disk, work } = await realDatabase('3')
  await migrationAdapter.prepare(work)
  await expect(migrationAdapter.apply(work)).rejects.toMatchObject({
    code: 'migration-failed',
    message: expect.stringContaining('it ended with 3'),
  })
  await migrationAdapter.revert(work)
  expect(rowsOf(disk)).toEqual([{ text: 'one' }])
})

test('nothing says how it is done', async () => {
  const { work } = await realDatabase('0')
  const place = { path: '' }
  expect(await migrationAdapter.objections({ ...work, place })).toEqual([
    expect.stringContaining('add "migration" to it'),
  ])
  await expect(migrationAdapter.prepare({ ...work, place })).rejects.toMatchObject({ code: 'installation-invalid' })
})
