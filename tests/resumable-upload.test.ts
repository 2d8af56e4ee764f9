import { createHash, randomBytes } from 'node:crypto'
import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTemporaryDirectory, startServerProcess, type ServerProcess } from '@hotpatch/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

const CHUNK = randomBytes(1024 * 1024)
const CHUNKS = 200
/** What a disk image ends with. */
const TRAILER = Buffer.concat([Buffer.from('koly'), Buffer.alloc(508)])
const SIZE = CHUNK.length * CHUNKS + TRAILER.length

/** The bytes of an installer that is never in memory as a whole. */
function* bytesFrom(offset: number): Generator<Uint8Array> {
  for (let at = 0; at < SIZE; at += CHUNK.length) {
    const piece = at < CHUNK.length * CHUNKS ? CHUNK : TRAILER
    if (at + piece.length > offset) yield piece.subarray(Math.max(0, offset - at))
  }
}

const hash = createHash('sha256')
for (const piece of bytesFrom(0)) hash.update(piece)
const sha256 = hash.digest('hex')

let directory: string
let server: ServerProcess
const start = async () => {
  server = await startServerProcess({ directory, env: { HOTPATCH_LOG_LEVEL: 'warn' } })
}
beforeAll(async () => {
  directory = await makeTemporaryDirectory()
  await start()
})
afterAll(() => server.stop())

function request(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string | ReadableStream<Uint8Array>,
): Promise<Response> {
  const all = { authorization: `Bearer ${ownerToken()}`, 'tus-resumable': '1.0.0', ...headers }
  const init: RequestInit & { duplex: 'half' } = { method, headers: all, duplex: 'half' }
  if (body !== undefined) init.body = body
  return fetch(server.url + path, init)
}

let token = ''
const ownerToken = () => (token ||= server.ownerToken)

/** @param from of the upload; ends the process when so many bytes are on their way, if that is asked for */
function patch(path: string, from: number, killAfter = Infinity): Promise<Response> {
  async function* body() {
    let sent = 0
    for (const piece of bytesFrom(from)) {
      if (sent >= killAfter) {
        await expect.poll(async () => (await storedBytes()) > 0).toBe(true)
        await server.stop('SIGKILL')
        return
      }
      yield piece
      sent += piece.length
    }
  }
  const headers = { 'content-type': 'application/offset+octet-stream', 'upload-offset': String(from) }
  return request('PATCH', path, headers, ReadableStream.from(body()))
}

async function storedBytes(): Promise<number> {
  const folder = join(directory, 'resumable-uploads')
  const names = (await readdir(folder)).filter((name) => name.endsWith('.upload'))
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function peakMegabytes(): Promise<number> {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8').catch(() => '')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024
}

test('an upload goes on after the server was killed, in constant memory, and is what it said', async () => {
  const json = { 'content-type': 'application/json' }
  await request('POST', '/manage/v1/apps', json, JSON.stringify({ slug: 'shop', platforms: ['macos'] }))
  const metadata = Object.entries({ sha256, kind: 'binary', filename: 'Shop.dmg' })
    .map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`)
    .join(',')
  const created = await request('POST', '/manage/v1/apps/shop/uploads', {
    'upload-length': String(SIZE),
    'upload-metadata': metadata,
  })
  expect(created.status).toBe(201)
  const path = new URL(created.headers.get('location') ?? '').pathname

  await expect(patch(path, 0, SIZE / 2)).rejects.toThrow()
  await start()
  const asked = await request('HEAD', path)
  const offset = Number(asked.headers.get('upload-offset'))
  expect([asked.status, asked.headers.get('upload-length')]).toEqual([200, String(SIZE)])
  expect(offset).toBeGreaterThan(0)
  expect(offset).toBeLessThan(SIZE)
  expect((await patch(path, offset)).status).toBe(204)

  const found = await request('GET', `/manage/v1/apps/shop/artifacts/${sha256}?kind=binary`)
  expect(await found.json()).toMatchObject({ sha256, sizeBytes: SIZE, format: 'dmg' })
  expect(await readdir(join(directory, 'resumable-uploads'))).toEqual([])
  // With all that has to be in memory anyway: more than these bytes alone would be.
  expect(await peakMegabytes()).toBeLessThan(250)
})
