import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished, expect, test } from 'vitest'
import { DAY_MS } from '../clock.ts'
import { createDiskStorage } from './disk-storage.ts'
import { describeStorageDriver, listedKeys } from './testing/storage-driver-suite.ts'

const KEY = createHash('sha256').update('bundle').digest('hex')
const SHARD = KEY.slice(0, 2)
const SHARED_MEMORY = '/dev/shm'

async function aFolder(parent = tmpdir()) {
  const folder = await mkdtemp(join(parent, 'hotpatch-storage-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

async function aDiskStorage({ spoolIn }: { spoolIn?: string } = {}) {
  const directory = await aFolder()
  const spoolDirectory = await aFolder(spoolIn)
  let now = Date.parse('2026-01-05T00:00:00Z')
  const storage = createDiskStorage({ directory, clock: { now: () => now } })
  const spool = async () => {
    const path = join(spoolDirectory, 'upload')
    await writeFile(path, 'bundle')
    return { path, sizeBytes: 6 }
  }
  const passTime = () => Promise.resolve(new Date((now += DAY_MS)))
  return { storage, directory, spoolDirectory, spool, passTime }
}

describeStorageDriver('disk', { create: () => aDiskStorage() })

const hasSecondFileSystem = existsSync(SHARED_MEMORY) && statSync(SHARED_MEMORY).dev !== statSync(tmpdir()).dev

if (hasSecondFileSystem) {
  describeStorageDriver('disk, spool on another file system', {
    create: () => aDiskStorage({ spoolIn: SHARED_MEMORY }),
  })
} else {
  test.skip('disk, spool on another file system: needs a /dev/shm that is one')
}

test('only the server may read what is stored', async () => {
  const { storage, directory, spool } = await aDiskStorage()
  await storage.put(KEY, await spool())
  expect((await stat(join(directory, SHARD))).mode & 0o777).toBe(0o700)
  expect((await stat(join(directory, SHARD, KEY))).mode & 0o777).toBe(0o600)
})

test('foreign files are not listed, not opened as objects and not removed', async () => {
  const { storage, directory } = await aDiskStorage()
  const foreign = ['README', `${SHARD}/notes.txt`, `${SHARD}/${'f'.repeat(64)}`, `${SHARD}/${KEY}.bak`, `zz`]
  await mkdir(join(directory, SHARD))
  for (const name of foreign) await writeFile(join(directory, name), 'foreign')
  await mkdir(join(directory, SHARD, KEY))
  await writeFile(join(directory, 'ff'), 'a file where a folder should be')
  await mkdir(join(directory, 'ee'))
  await symlink('/etc/passwd', join(directory, 'ee', 'e'.repeat(64)))

  expect(await listedKeys(storage)).toEqual([])
  expect(await storage.stat(KEY)).toBeUndefined()
  expect(await storage.stat('e'.repeat(64))).toBeUndefined()
  await storage.removeLeftovers(new Date(Date.now() + 1000))
  expect(await readdir(join(directory, SHARD))).toHaveLength(4)
})

test('an object that lost bytes is replaced by the next put', async () => {
  const { storage, directory, spool } = await aDiskStorage()
  await storage.put(KEY, await spool())
  await writeFile(join(directory, SHARD, KEY), 'bun')
  await storage.put(KEY, await spool())
  expect((await storage.stat(KEY))?.sizeBytes).toBe(6)
})

test('leftovers of interrupted puts are removed when they are old', async () => {
  const { storage, directory } = await aDiskStorage()
  await mkdir(join(directory, SHARD))
  const [old, recent] = ['0', '1'].map((digit) => join(directory, SHARD, `${KEY}.${digit.repeat(36)}.part`)) as [
    string,
    string,
  ]
  await writeFile(old, 'bun')
  await utimes(old, 1000, 1000)
  await writeFile(recent, 'bun')
  await storage.removeLeftovers(new Date(Date.now() - 60_000))
  expect([existsSync(old), existsSync(recent)]).toEqual([false, true])
})

/** Kills a process in the middle of a put: at its nth call of a function of node:fs/promises. */
function putAndDieAt(call: string, nth: number, directory: string, source: string) {
  const script = `
    import fs from 'node:fs/promises'
    import { syncBuiltinESMExports } from 'node:module'
    const { ${call}: original } = fs
    let calls = 0
    fs.${call} = (...args) => (++calls === ${nth} ? process.kill(process.pid, 'SIGKILL') : original(...args))
    syncBuiltinESMExports()
    const { createDiskStorage } = await import(${JSON.stringify(new URL('disk-storage.ts', import.meta.url).href)})
    const storage = createDiskStorage({ directory: ${JSON.stringify(directory)}, clock: Date })
    await storage.put(${JSON.stringify(KEY)}, { path: ${JSON.stringify(source)}, sizeBytes: 6 })`
  return spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
}

test.each([
  { call: 'mkdir', nth: 1, spoolIn: tmpdir() },
  { call: 'rename', nth: 1, spoolIn: tmpdir() },
  ...(hasSecondFileSystem
    ? [
        { call: 'copyFile', nth: 1, spoolIn: SHARED_MEMORY },
        { call: 'open', nth: 2, spoolIn: SHARED_MEMORY },
        { call: 'rename', nth: 2, spoolIn: SHARED_MEMORY },
      ]
    : []),
])(
  'a put killed at $call ($nth) in $spoolIn leaves no visible object and can be repeated',
  async ({ call, nth, spoolIn }) => {
    const { storage, directory, spool } = await aDiskStorage({ spoolIn })
    const { path } = await spool()
    const { signal, stderr } = putAndDieAt(call, nth, directory, path)
    expect({ signal, stderr }).toMatchObject({ signal: 'SIGKILL' })

    expect(await storage.stat(KEY)).toBeUndefined()
    expect(await listedKeys(storage)).toEqual([])
    await storage.put(KEY, await spool())
    expect((await storage.stat(KEY))?.sizeBytes).toBe(6)
  },
)
