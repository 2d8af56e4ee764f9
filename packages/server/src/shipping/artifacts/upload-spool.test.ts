import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { createUploadSpool } from './upload-spool.ts'

const UUID = '01920000-0000-7000-8000-000000000000'
const NOW = Date.now()

async function aSpool(options: { maxBytes?: number; idleTimeoutMs?: number } = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'hotpatch-spool-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const spool = createUploadSpool({
    directory,
    maxBytes: 1000,
    idleTimeoutMs: 10_000,
    clock: { now: () => NOW },
    ...options,
  })
  return { ...spool, directory, files: () => readdir(directory) }
}

test('an upload is received whole, hashed and counted', async () => {
  const { receive, files, directory } = await aSpool()
  const bytes = randomBytes(1000)
  const upload = await receive(Readable.from([bytes.subarray(0, 1), bytes.subarray(1, 500), bytes.subarray(500)]))
  expect(upload.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
  expect(upload.sizeBytes).toBe(1000)
  expect(await readFile(upload.path)).toEqual(bytes)
  expect((await stat(upload.path)).mode & 0o777).toBe(0o600)
  expect(upload.path.startsWith(directory)).toBe(true)

  await upload.discard()
  await upload.discard()
  expect(await files()).toEqual([])
})

test('an upload can be flushed as long as it is there', async () => {
  const { receive } = await aSpool()
  const upload = await receive(Readable.from([randomBytes(1000)]))
  await upload.flush()
  await upload.discard()
  await expect(upload.flush()).rejects.toMatchObject({ code: 'ENOENT' })
})

test('an empty upload is one', async () => {
  const { receive } = await aSpool()
  expect((await receive(Readable.from([]))).sizeBytes).toBe(0)
})

test('an upload stops at the limit, and its connection stays open for the answer', async () => {
  const { receive, files } = await aSpool()
  const stream = new PassThrough()
  stream.write(randomBytes(600))
  stream.write(randomBytes(600))
  await expect(receive(stream)).rejects.toMatchObject({ type: 'body-too-large' })
  expect(await files()).toEqual([])
  expect(stream.destroyed).toBe(false)
})

test('a caller may ask for less than the limit, not for more', async () => {
  const { receive } = await aSpool()
  const bytes = (count: number) => Readable.from([randomBytes(count)])
  await expect(receive(bytes(101), { maxBytes: 100 })).rejects.toMatchObject({ type: 'body-too-large' })
  await expect(receive(bytes(1001), { maxBytes: 2000 })).rejects.toMatchObject({ type: 'body-too-large' })
})

test.each([
  ['stream', () => new PassThrough()],
  ['iterable', () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) })],
])('a silent %s is given up', async (_kind, makeStream) => {
  const { receive, files } = await aSpool({ idleTimeoutMs: 10 })
  await expect(receive(makeStream())).rejects.toMatchObject({ type: 'request-timeout' })
  expect(await files()).toEqual([])
})

test('a broken connection leaves nothing behind', async () => {
  const { receive, files } = await aSpool()
  const stream = new PassThrough()
  stream.write('half')
  const broken = new Error('aborted')
  setImmediate(() => stream.destroy(broken))
  await expect(receive(stream)).rejects.toBe(broken)
  expect(await files()).toEqual([])
})

test('the sender waits while the disk is busy, and memory does not grow with the upload', async () => {
  const megabyte = randomBytes(1_000_000)
  const totalBytes = 200_000_000
  const { receive } = await aSpool({ maxBytes: totalBytes })
  async function* upload() {
    for (let sent = 0; sent < totalBytes; sent += megabyte.length) yield Buffer.from(megabyte)
  }
  const before = process.memoryUsage.rss()
  let highest = 0
  const watch = setInterval(() => (highest = Math.max(highest, process.memoryUsage.rss())), 5)
  const { sizeBytes, discard } = await receive(upload())
  clearInterval(watch)
  await discard()
  expect(sizeBytes).toBe(totalBytes)
  expect(highest - before).toBeLessThan(90_000_000)
})

test('sweeping removes what dead processes of this host left, and what nobody touched for an hour', async () => {
  const { receive, sweepSpool, directory, files } = await aSpool()
  const running = new PassThrough()
  const upload = receive(running)
  const dead = spawnSync(process.execPath, ['--eval', '']).pid
  const host = hostname().replace(/[^\w.-]/g, '_')
  const make = async (name: string, ageMinutes: number) => {
    await writeFile(join(directory, name), 'part')
    await utimes(join(directory, name), new Date(NOW), new Date(NOW - ageMinutes * 60_000))
    return name
  }
  await make(`${host}-${dead}-${UUID}.part`, 0)
  await make(`${host}-${process.pid}-${UUID}.part`, 0)
  await make(`another-host-1-${UUID}.part`, 61)
  const kept = [
    await make(`${host}-${process.ppid}-${UUID}.part`, 0),
    await make(`another-host-2-${UUID}.part`, 59),
    await make('notes.txt', 61),
  ]
  await sweepSpool()
  const left = await files()
  expect(left).toEqual(expect.arrayContaining(kept))
  expect(left).toHaveLength(kept.length + 1)

  running.end('whole')
  expect((await upload).sizeBytes).toBe(5)
})

test('a spool that was never used can be swept', async () => {
  const { directory } = await aSpool()
  const spool = createUploadSpool({
    directory: join(directory, 'new'),
    maxBytes: 1,
    idleTimeoutMs: 1,
    clock: { now: () => NOW },
  })
  await spool.sweepSpool()
})
