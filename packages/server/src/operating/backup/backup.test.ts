import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { temporaryDirectory } from '@hotpatch/testkit'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { migrate } from '../../ground/database/migrate.ts'
import { MIGRATIONS } from '../../ground/database/migrations/index.ts'
import { openDatabase } from '../../ground/database/open-database.ts'
import { runOperatorCommand } from '../run-operator-command.ts'

/** A data folder with a database, secrets and two artifacts, and an operator who types. */
async function aServer() {
  const root = await temporaryDirectory()
  const data = join(root, 'data')
  await mkdir(data)
  const db = openDatabase({ kind: 'sqlite', path: join(data, 'hotpatch.db') })
  await migrate(db)
  const keys: string[] = []
  for (const text of ['one', 'two']) {
    const sha256 = createHash('sha256').update(text).digest('hex')
    await put(join(data, 'artifacts', sha256.slice(0, 2), sha256), text)
    await sql`insert into artifact (sha256, size_bytes, content_type, created_at)
      values (${sha256}, ${text.length}, 'application/zip', 1)`.execute(db)
    keys.push(sha256)
  }
  await db.destroy()
  for (const name of ['jwt-secret', 'device-id-secret', 'secrets-key', 'owner-token']) await put(join(data, name), name)

  async function type(line: string, env: Record<string, string> = {}) {
    const said: string[] = []
    const complained: string[] = []
    const words = line.split(' ').map((word) => (word.startsWith('./') ? join(root, word) : word))
    const code = await runOperatorCommand(words, {
      env: { HOTPATCH_DATA: data, ...env },
      print: (text) => void said.push(text),
      warn: (text) => void complained.push(text),
    })
    return { code, said: said.join('\n'), complained: complained.join('\n') }
  }
  return { root, data, keys, type }
}

async function put(path: string, text: string) {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

const artifactOf = (sha256 = '') => `artifacts/${sha256.slice(0, 2)}/${sha256}`

test('a backup has all that a server cannot make again, and a restore puts it where a server looks', async () => {
  const { root, keys, type } = await aServer()
  expect(await type('backup --to ./backup')).toEqual({
    code: 0,
    said: `${root}/backup: hotpatch.db, jwt-secret, device-id-secret, secrets-key, 2 artifacts (6 B)`,
    complained: '',
  })
  expect((await stat(join(root, 'backup/secrets/secrets-key'))).mode & 0o777).toBe(0o600)
  expect((await type('restore --check --from ./backup')).said).toMatch(/backup is whole: 4 files and 2 artifacts/)
  const other = { HOTPATCH_DATA: join(root, 'other') }
  expect(await type('restore --from ./backup', other)).toMatchObject({ code: 0, complained: '' })
  expect(await filesBelow(other.HOTPATCH_DATA)).toEqual(
    [...keys.map(artifactOf), 'device-id-secret', 'hotpatch.db', 'jwt-secret', 'secrets-key'].sort(),
  )
  expect(await readFile(join(other.HOTPATCH_DATA, artifactOf(keys[0])), 'utf8')).toBe('one')
  expect(await readFile(join(other.HOTPATCH_DATA, 'secrets-key'), 'utf8')).toBe('secrets-key')
})

test('a restore overwrites nothing', async () => {
  const { data, type } = await aServer()
  await type('backup --to ./backup')
  const before = await filesBelow(data)
  expect(await type('restore --from ./backup')).toMatchObject({
    code: 1,
    complained: expect.stringContaining('is not empty: it has'),
  })
  expect(await filesBelow(data)).toEqual(before)
})

test('a restore puts nothing damaged in place', async () => {
  const { root, keys, type } = await aServer()
  await type('backup --to ./backup')
  const text = (change: (text: string) => string) => (bytes: Buffer) => Buffer.from(change(bytes.toString()))
  const damages: [path: string, damage: (bytes: Buffer) => Buffer | undefined, complaint: RegExp][] = [
    [artifactOf(keys[0]), () => Buffer.from('eno'), /is damaged: expected 3 bytes with the SHA-256 [0-9a-f]+, found 3/],
    [artifactOf(keys[1]), () => undefined, /is not there/],
    ['hotpatch.db', (bytes) => bytes.subarray(0, -1), /hotpatch\.db of the backup is damaged/],
    ['secrets/secrets-key', () => Buffer.from('another'), /secrets-key of the backup is damaged/],
    ['manifest.json', () => undefined, /is no whole backup/],
    ['manifest.json', (bytes) => bytes.subarray(0, -10), /manifest\.json is damaged/],
    ['manifest.json', text((found) => found.replace('"path": "hotpatch.db"', '"path": "../../x"')), /is damaged/],
    ['manifest.json', text((found) => found.replace(/"schema": "[^"]+"/, '"schema": "9999-later"')), /"9999-later"/],
  ]
  for (const [path, damage, complaint] of damages) {
    const file = join(root, 'backup', path)
    const whole = await readFile(file)
    const damaged = damage(whole)
    if (damaged) await writeFile(file, damaged)
    else await rm(file)
    for (const line of ['restore --from ./backup', 'restore --check --from ./backup']) {
      const { code, complained } = await type(line, { HOTPATCH_DATA: join(root, 'new') })
      expect([path, code, complained]).toEqual([path, 1, expect.stringMatching(complaint)])
    }
    expect(await filesBelow(join(root, 'new'))).toEqual([])
    await writeFile(file, whole)
  }
  expect((await type('restore --from ./backup', { HOTPATCH_DATA: join(root, 'new') })).code).toBe(0)
})

test('a backup links what an earlier one has, but for what was damaged there, and leaves out what it is told to', async () => {
  const { root, keys, type } = await aServer()
  await type('backup --to ./first')
  expect((await type('backup --to ./first')).complained).toContain('is not empty')
  await writeFile(join(root, 'first', artifactOf(keys[0])), 'eno')
  expect((await type('backup --to ./second --reuse ./first --without-secrets')).code).toBe(0)
  const inodeOf = async (backup: string, key?: string) => (await stat(join(root, backup, artifactOf(key)))).ino
  expect(await inodeOf('second', keys[1])).toBe(await inodeOf('first', keys[1]))
  expect(await inodeOf('second', keys[0])).not.toBe(await inodeOf('first', keys[0]))
  expect(await readdir(join(root, 'second'))).not.toContain('secrets')
  expect((await type('restore --check --from ./second')).code).toBe(0)
})

test('a backup of a storage that has lost something is made, says so, and can be restored', async () => {
  const { root, data, keys, type } = await aServer()
  await rm(join(data, artifactOf(keys[0])))
  await writeFile(join(data, artifactOf(keys[1])), 'damaged')
  const { code, complained } = await type('backup --to ./backup')
  expect([code, complained.split('\n').length]).toEqual([1, 2])
  expect(complained).toContain(`${keys[0]} is named by the database, and its bytes are gone or damaged.`)
  expect((await type('restore --from ./backup', { HOTPATCH_DATA: join(root, 'new') })).code).toBe(0)
  expect(await filesBelow(join(root, 'new/artifacts'))).toEqual([])
})

test('of PostgreSQL, artifacts and secrets are backed up beside a dump, and not restored over SQLite', async () => {
  const { root, keys, type } = await aServer()
  const postgres = { DATABASE_URL: 'postgres://somebody@127.0.0.1:1/nothing' }
  expect((await type('backup --to ./backup', postgres)).complained).toContain('Run pg_dump first')
  expect((await type('backup --to ./backup --without-database', postgres)).said).toContain('2 artifacts')
  const other = { HOTPATCH_DATA: join(root, 'other') }
  expect((await type('restore --from ./backup', other)).complained).toContain('it was of PostgreSQL')
  expect((await type('restore --from ./backup', { ...other, ...postgres })).code).toBe(0)
  expect(await filesBelow(join(root, 'other/artifacts'))).toHaveLength(keys.length)
  await type('backup --to ./sqlite')
  const refused = await type('restore --from ./sqlite', { HOTPATCH_DATA: join(root, 'third'), ...postgres })
  expect(refused.complained).toContain('Unset DATABASE_URL')
})

test('the database of an older server is backed up as it is, and migrate says from which schema to which it went', async () => {
  const { root, type } = await aServer()
  const older = { HOTPATCH_DATA: join(root, 'older') }
  await mkdir(older.HOTPATCH_DATA)
  const db = openDatabase({ kind: 'sqlite', path: join(older.HOTPATCH_DATA, 'hotpatch.db') })
  await migrate(db, Object.fromEntries(Object.entries(MIGRATIONS).slice(0, 2)))
  await db.destroy()
  expect((await type('backup --to ./backup', older)).code).toBe(0)
  const copy = { HOTPATCH_DATA: join(root, 'copy') }
  await type('restore --from ./backup', copy)
  const newest = Object.keys(MIGRATIONS).at(-1)
  expect((await type('migrate', copy)).said).toBe(
    `The database was brought up to date: from the schema "0002-release-identity" to "${newest}".`,
  )
  expect((await type('migrate', copy)).said).toBe('The database is up to date.')
})

test('what is typed wrongly is said before anything happens', async () => {
  const { root, type } = await aServer()
  expect(await type('backup')).toMatchObject({ code: 2, complained: expect.stringContaining('expected --to') })
  expect(await type('backup --into x')).toMatchObject({ code: 2, complained: expect.stringContaining('--to <folder>') })
  expect(await type('serve')).toMatchObject({ code: 2, complained: expect.stringContaining('no command "serve"') })
  expect(await type('toString')).toMatchObject({ code: 2 })
  expect((await type('restore --help')).said).toContain('--check')
  expect((await type('restore --from ./nowhere')).complained).toContain('is no whole backup')
  const nowhere = { HOTPATCH_DATA: join(root, 'nowhere') }
  expect((await type('backup --to ./x', nowhere)).complained).toContain('There is no database at')
  expect((await type('migrate', nowhere)).said).toBe('The database is up to date.')
})
