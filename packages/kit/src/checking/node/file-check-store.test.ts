import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { NO_RECORD } from '../check-record.ts'
import { createFileCheckStore } from './file-check-store.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kit-checks-'))
  path = join(folder, '.kit/checks.json')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('is for its owner alone, and leaves nothing beside it', async () => {
  const store = createFileCheckStore(path)
  expect(await store.read('gateway')).toEqual(NO_RECORD)
  await store.update('gateway', (record) => ({ ...record, lastCheckAt: 1_000, floor: 3 }))
  expect(await createFileCheckStore(path).read('gateway')).toEqual({ ...NO_RECORD, lastCheckAt: 1_000, floor: 3 })
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(join(folder, '.kit'))).toEqual(['checks.json'])
})

test.each(['', '{', '[]', '{"schema_version":2}', '{"schema_version":1,"applications":{"gateway":{"floor":"x"}}}'])(
  'what is damaged, %j, costs one check, and is mended by it',
  async (damaged) => {
    const store = createFileCheckStore(path)
    await store.update('web', (record) => record)
    await writeFile(path, damaged)
    expect(await store.read('gateway')).toEqual(NO_RECORD)
    await store.update('gateway', (record) => ({ ...record, floor: 1 }))
    expect((await store.read('gateway')).floor).toBe(1)
  },
)

test('several processes that write at the same time lose nothing of each other', async () => {
  const script = `
    import { createFileCheckStore } from ${JSON.stringify(new URL('file-check-store.ts', import.meta.url).href)}
    const [path, name] = process.argv.slice(2)
    const store = createFileCheckStore(path)
    for (let time = 0; time < 20; time += 1) await store.update(name, (record) => ({ ...record, floor: record.floor + 1 }))`
  const file = join(folder, 'write.ts')
  await writeFile(file, script)
  const names = ['gateway', 'web', 'gateway']
  const children = names.map((name) => {
    const child = spawn(process.execPath, ['--no-warnings', file, path, name], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    return child
  })
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'close'))[0] as number))
  expect(codes).toEqual([0, 0, 0])
  const store = createFileCheckStore(path)
  expect((await store.read('gateway')).floor).toBe(40)
  expect((await store.read('web')).floor).toBe(20)
  expect(await readdir(join(folder, '.kit'))).toEqual(['checks.json'])
})

test('a lock of a process that is gone holds nobody up', async () => {
  const store = createFileCheckStore(path)
  await store.update('gateway', (record) => record)
  await writeFile(`${path}.lock`, '')
  const longAgo = new Date(Date.now() - 60_000)
  await utimes(`${path}.lock`, longAgo, longAgo)
  await store.update('gateway', (record) => ({ ...record, floor: 5 }))
  expect((await store.read('gateway')).floor).toBe(5)
})
