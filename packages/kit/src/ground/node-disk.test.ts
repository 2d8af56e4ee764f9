import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { temporaryDirectory } from '@hotpatch/testkit'
import { describe, expect, test } from 'vitest'
import { describeKitDisk } from '../testing/disk-suite.ts'
import { createNodeDisk } from './node-disk.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

describeKitDisk('a real folder', async () => createNodeDisk(await temporaryDirectory()))

describe('links that somebody else has made', () => {
  async function withOutside() {
    const [root, outside] = [await temporaryDirectory(), await temporaryDirectory()]
    writeFileSync(join(outside, 'secret'), 'secret')
    return { root, outside, disk: createNodeDisk(root) }
  }

  test('nothing is read, written or removed through a link out of the root', async () => {
    const { root, outside, disk } = await withOutside()
    symlinkSync(outside, join(root, 'out'))
    symlinkSync(join(outside, 'secret'), join(root, 'secret'))
    mkdirSync(join(root, 'd'))
    symlinkSync(outside, join(root, 'd/out'))
    const refused = { code: 'path-escapes' }
    for (const path of ['out/secret', 'secret']) {
      await expect(disk.read(path)).rejects.toMatchObject(refused)
      await expect(disk.readRange(path, 0, 1)).rejects.toMatchObject(refused)
      await expect(disk.write(path, bytesOf('x'))).rejects.toMatchObject(refused)
      await expect(disk.copyFile(path, 'copy')).rejects.toMatchObject(refused)
    }
    await expect(disk.create('out/new', bytesOf('x'))).rejects.toMatchObject(refused)
    await expect(disk.makeDirectory('out/new')).rejects.toMatchObject(refused)
    await expect(disk.list('out')).rejects.toMatchObject(refused)
    await expect(disk.remove('out/secret')).rejects.toMatchObject(refused)
    await expect(disk.rename('out/secret', 'taken')).rejects.toMatchObject(refused)
    await disk.remove('d')
    await disk.remove('out')
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret')
    expect(existsSync(join(outside, 'new'))).toBe(false)
  })

  test('nor through one within the root, which could lead to what another component has', async () => {
    const { root, disk } = await withOutside()
    mkdirSync(join(root, 'gateway'))
    symlinkSync('../other', join(root, 'gateway/data'))
    mkdirSync(join(root, 'other'))
    await expect(disk.write('gateway/data/settings', bytesOf('x'))).rejects.toMatchObject({ code: 'path-escapes' })
  })

  test.skipIf(process.platform !== 'linux')('nor through one that is put there between two steps', async () => {
    const { root, outside, disk } = await withOutside()
    mkdirSync(join(root, 'gateway'))
    await disk.makeDirectory('.kit')
    symlinkSync(outside, join(root, 'evil'))
    const exchanges = new Worker(
      `const { root } = require('node:worker_threads').workerData
      const { renameSync } = require('node:fs')
      const move = (from, to) => renameSync(root + '/' + from, root + '/' + to)
      for (;;) { move('gateway', 'good'); move('evil', 'gateway'); move('gateway', 'evil'); move('good', 'gateway') }`,
      { eval: true, workerData: { root } },
    )
    const found: unknown[] = []
    try {
      for (let time = 0; time < 100; time += 1) {
        await disk.write(`gateway/${time}`, bytesOf('x')).catch(() => undefined)
        await disk.write('.kit/new', bytesOf('x'))
        await disk.rename('.kit/new', 'gateway/renamed').catch(() => undefined)
        found.push(await disk.read('gateway/secret').catch(() => undefined))
        await disk.remove('gateway/secret').catch(() => undefined)
      }
    } finally {
      await exchanges.terminate()
    }
    expect(found.filter((each) => each !== undefined)).toEqual([])
    expect(readdirSync(outside)).toEqual(['secret'])
  })

  test('the root itself may lie behind one', async () => {
    const { root, outside } = await withOutside()
    symlinkSync(outside, join(root, 'installed'))
    const disk = createNodeDisk(join(root, 'installed'))
    expect(await disk.list('')).toEqual(['secret'])
  })
})

describe('rights', () => {
  const modeOf = (path: string) => statSync(path).mode & 0o777

  test('nobody else looks into the folder of the coordinator, but for versions that are served', async () => {
    const root = await temporaryDirectory()
    const disk = createNodeDisk(root)
    for (const folder of ['.kit/transactions/t/work', '.kit/artifacts', '.kit/versions/web/1'])
      await disk.makeDirectory(folder)
    await disk.write('.kit/trust.json', bytesOf('{}'))
    await disk.write('.kit/artifacts/a', bytesOf('x'))
    expect(modeOf(join(root, '.kit'))).toBe(0o711)
    expect(modeOf(join(root, '.kit/transactions'))).toBe(0o700)
    expect(modeOf(join(root, '.kit/artifacts'))).toBe(0o700)
    expect(modeOf(join(root, '.kit/trust.json'))).toBe(0o600)
    expect(modeOf(join(root, '.kit/versions')) & 0o500).toBe(0o500)
  })

  test('what replaces a file has its rights, what is written over keeps them', async () => {
    const root = await temporaryDirectory()
    const disk = createNodeDisk(root)
    writeFileSync(join(root, 'settings.env'), 'A=1')
    chmodSync(join(root, 'settings.env'), 0o640)
    await disk.copyFile('settings.env', 'settings.env.new')
    await disk.write('settings.env.new', bytesOf('A=2'))
    await disk.rename('settings.env.new', 'settings.env')
    expect(modeOf(join(root, 'settings.env'))).toBe(0o640)
  })
})

test.skipIf(process.platform === 'win32')(
  'a pipe is no file, and nobody waits for who is at its other end',
  async () => {
    const root = await temporaryDirectory()
    execFileSync('mkfifo', [join(root, 'pipe')])
    const disk = createNodeDisk(root)
    await expect(disk.read('pipe')).rejects.toMatchObject({ code: 'EISDIR' })
    expect(await disk.stat('pipe')).toMatchObject({ kind: 'other' })
  },
)

test('a root that is not there is an error', async () => {
  const root = await temporaryDirectory()
  expect(() => createNodeDisk(join(root, 'absent'))).toThrow('ENOENT')
})
