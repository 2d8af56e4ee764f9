import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { entryOf, eventually, temporaryDirectory } from '@hotpatch/testkit'
import { freePort } from '@hotpatch/testkit/free-port'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createUnreadLog } from './unread-log.ts'

test('leaves lines out while too many wait, and says how many', async () => {
  const written: string[] = []
  const reading = Promise.withResolvers<void>()
  const stream = new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      if (line !== '') written.push(line)
      void reading.promise.then(() => done())
    },
  })
  const log = createUnreadLog({ write: (line) => void stream.write(line) }, stream)
  const long = `${'x'.repeat(600_000)}\n`
  for (let line = 0; line < 5; line++) log.write(long)
  log.write('left out\n')
  reading.resolve()
  await eventually(() => expect(stream.writableLength).toBe(0))
  log.write('read again\n')
  await eventually(() => expect(written).toHaveLength(4))
  expect(written.slice(0, 2)).toEqual([long, long])
  expect(JSON.parse(written[2] ?? '')).toMatchObject({ level: 40, lines: 4 })
  expect(written[3]).toBe('read again\n')
})

/** As a pipe that somebody reads from when told so. */
function slowStream() {
  const writes: string[] = []
  const ends: (() => void)[] = []
  const stream = new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      writes.push(line)
      ends.push(done)
    },
    writev(chunks, done) {
      writes.push(chunks.map(({ chunk }) => String(chunk)).join(''))
      ends.push(done)
    },
  })
  return { stream, writes, read: () => ends.shift()?.() }
}

test('writes each line by itself, as other processes write to the same pipe', async () => {
  const { stream, writes, read } = slowStream()
  const log = createUnreadLog({ write: (line) => void stream.write(line) }, stream)
  const lines = ['first\n', 'sécond\n', 'third\n', 'fourth\n']
  for (const line of lines) log.write(line)
  await eventually(() => {
    read()
    expect(writes.filter((text) => text !== '')).toEqual(lines)
  })
})

test('at the end waits until all is written, says what is missing, and does not wait for ever', async () => {
  const { stream, writes, read } = slowStream()
  const log = createUnreadLog({ write: (line) => void stream.write(line) }, stream)
  for (const line of ['x'.repeat(2_000_000), 'left out\n']) log.write(line)
  await log.finish(1)
  expect(writes).toHaveLength(1)
  const isFinished = vi.fn<() => void>()
  void log.finish(60_000).then(isFinished)
  await eventually(() => {
    read()
    expect(isFinished).toHaveBeenCalled()
  })
  expect(JSON.parse(writes.findLast((text) => text !== '') ?? '')).toMatchObject({ level: 40, lines: 1 })
})

test('a stream whose reader is gone is no reason to end', () => {
  const stream = new PassThrough()
  const log = createUnreadLog({ write: (line) => void stream.write(line) }, stream)
  stream.destroy(new Error('EPIPE'))
  expect(() => log.write('nobody reads this\n')).not.toThrow()
})

test('who reads the log late still reads how it ended', async () => {
  const port = String(await freePort())
  const env = { PORT: port, HOTPATCH_HOST: '127.0.0.1', HOTPATCH_LOG_LEVEL: 'debug' }
  const server = spawn(process.execPath, [entryOf('server')], {
    env: { ...process.env, ...env, HOTPATCH_DATA: await temporaryDirectory() },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void server.kill('SIGKILL'))
  const ended = once(server, 'exit')
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status
  await eventually(async () => expect(await ask('/readyz')).toBe(200))
  for (let count = 0; count < 200; count++) await ask(`/none/${count}/${'x'.repeat(3_000)}`)
  server.kill('SIGTERM')
  // It no longer answers: what it had to do is done.
  await eventually(async () => expect(await ask('/healthz').catch(() => 'gone')).toBe('gone'))
  let text = ''
  for await (const chunk of server.stdout.setEncoding('utf8')) text += String(chunk)
  const paths = text.split('\n').filter((line) => line.includes('"/none/'))
  expect(paths).toHaveLength(200)
  expect(await ended).toEqual([0, null])
})

test.each(['1', '2'])('a server of %s process(es) whose log nobody reads answers, and ends', async (workers) => {
  const port = String(await freePort())
  const log = { HOTPATCH_LOG_LEVEL: 'debug', HOTPATCH_METRICS: 'open' }
  const env = { PORT: port, HOTPATCH_HOST: '127.0.0.1', HOTPATCH_WORKERS: workers, ...log }
  const server = spawn(process.execPath, [entryOf('server')], {
    env: { ...process.env, ...env, HOTPATCH_DATA: await temporaryDirectory() },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void server.kill('SIGKILL'))
  const ended = once(server, 'exit')
  const read = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
  const ask = async (path: string) => (await read(path)).status
  await eventually(async () => {
    expect(await (await read('/metrics')).text()).toContain(`hotpatch_serving_processes ${workers}`)
  })
  // More than a pipe holds: each has a line of that length.
  for (let count = 0; count < 500; count++) expect(await ask(`/none/${'x'.repeat(3_000)}`)).toBe(404)
  expect(await ask('/healthz')).toBe(200)
  server.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
})
