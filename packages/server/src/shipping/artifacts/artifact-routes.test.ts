import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { Readable } from 'node:stream'
import { eventually } from '@hotpatch/testkit'
import { writeZip } from '@hotpatch/testkit/archives'
import Fastify from 'fastify'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openDatabase } from '../../ground/database/open-database.ts'
import { answerWithProblems } from '../../ground/http/problem-response.ts'
import { createDiskStorage } from '../../ground/storage/disk-storage.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import { artifactRoutes } from './artifact-routes.ts'
import { createServedTypes } from './served-types.ts'

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

function aZip(content: Buffer) {
  return writeZip([{ name: 'index.bundle', content, method: 0 }])
}

test('what the bytes are called is not known without a database, and they go out as bytes', async () => {
  const db = openDatabase({ kind: 'sqlite', path: ':memory:' }) // without tables
  onTestFinished(() => db.destroy())
  const servedAs = createServedTypes({ db, extensionOf: () => 'zip' })
  expect(await servedAs('a'.repeat(64))).toEqual({
    contentType: 'application/octet-stream',
    fileName: null,
    fileExtension: 'bin',
    compressed: {},
  })
})

describe('downloads', () => {
  const content = randomBytes(1000)
  const zip = aZip(content)
  const key = sha256(zip)
  const etag = `"${key}"`

  async function aServer({
    bytes = zip,
    packed,
    coding = 'br',
    ...overrides
  }: Partial<StorageDriver> & { bytes?: Buffer; packed?: Buffer; coding?: 'br' | 'gzip' } = {}) {
    const directory = await mkdtemp(join(tmpdir(), 'hotpatch-artifacts-'))
    const storage = createDiskStorage({ directory: join(directory, 'artifacts'), clock: { now: Date.now } })
    for (const each of packed ? [bytes, packed] : [bytes]) {
      const path = join(directory, 'upload')
      await writeFile(path, each)
      await storage.put(sha256(each), { path, sizeBytes: each.length })
    }
    const compressed = packed ? { [coding]: sha256(packed) } : {}
    const onDownload = vi.fn<(sha256: string, release: string | undefined, sizeBytes: number) => void>()
    const servedAs = () =>
      Promise.resolve({ contentType: 'application/zip', fileName: null, fileExtension: 'zip', compressed })
    const app = Fastify()
    answerWithProblems(app)
    await app.register(artifactRoutes({ storage: { ...storage, ...overrides }, clock: Date, servedAs, onDownload }))
    onTestFinished(async () => {
      await app.close()
      await rm(directory, { recursive: true })
    })
    const ask = (headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET', name = key) =>
      app.inject({ method, url: `/artifacts/${name}`, headers })
    return { app, ask, onDownload }
  }

  test('the whole artifact, to be kept forever', async () => {
    const { ask, onDownload } = await aServer()
    const answer = await ask()
    expect(answer.statusCode).toBe(200)
    expect(answer.rawPayload).toEqual(zip)
    expect(answer.headers).toMatchObject({
      etag,
      'accept-ranges': 'bytes',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'application/zip',
      'content-length': String(zip.length),
      'content-disposition': `attachment; filename="${key}.zip"`,
      'x-content-type-options': 'nosniff',
      vary: 'accept-encoding',
    })
    expect(onDownload.mock.calls).toEqual([[key, undefined, zip.length]])
  })

  const digestOf = (bytes: Buffer) => `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`

  test.each(['br', 'gzip'] as const)('nobody mistakes what is compressed as %s for the file itself', async (coding) => {
    const packed = coding === 'br' ? brotliCompressSync(zip) : gzipSync(zip)
    const { ask } = await aServer({ packed, coding })
    const [whole, compressed, part] = [
      await ask(),
      await ask({ 'accept-encoding': coding }),
      await ask({ 'accept-encoding': coding, range: 'bytes=0-9' }),
    ]
    expect(whole.headers).toMatchObject({ etag, 'repr-digest': digestOf(zip), 'content-digest': digestOf(zip) })
    expect(whole.headers['content-encoding']).toBeUndefined()
    expect(compressed.headers).toMatchObject({
      etag: `"${key}-${coding}"`,
      'content-encoding': coding,
      'repr-digest': digestOf(packed),
      'content-digest': digestOf(packed),
    })
    expect(digestOf(compressed.rawPayload)).toBe(compressed.headers['content-digest'])
    const unpacked = coding === 'br' ? brotliDecompressSync(compressed.rawPayload) : gunzipSync(compressed.rawPayload)
    expect(sha256(unpacked)).toBe(key)
    // A part is one of the file itself, and only the whole has a digest that is known.
    expect(part.headers).toMatchObject({ etag, 'repr-digest': digestOf(zip) })
    expect([part.headers['content-encoding'], part.headers['content-digest']]).toEqual([undefined, undefined])
    expect(part.rawPayload).toEqual(zip.subarray(0, 10))
    const known = await ask({ 'accept-encoding': coding, 'if-none-match': etag })
    expect(known.statusCode).toBe(200)
    const other = await ask({ 'accept-encoding': coding === 'br' ? 'gzip' : 'br' })
    expect(other.rawPayload).toEqual(zip)
  })

  test('tells for which release the address was offered', async () => {
    const { app, onDownload } = await aServer()
    await app.inject(`/artifacts/${key}?release=r-1`)
    expect(onDownload.mock.calls).toEqual([[key, 'r-1', zip.length]])
  })

  test('HEAD says the same and sends nothing', async () => {
    const { ask, onDownload } = await aServer({ open: () => Promise.reject(new Error('must not be opened')) })
    const answer = await ask({ range: 'bytes=0-1' }, 'HEAD')
    expect(answer.statusCode).toBe(200)
    expect(answer.rawPayload).toHaveLength(0)
    expect(answer.headers).toMatchObject({ etag, 'content-length': String(zip.length), 'accept-ranges': 'bytes' })
    expect(onDownload).not.toHaveBeenCalled()
  })

  const size = zip.length
  test.each([
    ['bytes=0-0', 0, 0],
    ['bytes=10-19', 10, 19],
    ['bytes=10-', 10, size - 1],
    ['bytes=-10', size - 10, size - 1],
    ['bytes=-999999', 0, size - 1],
    ['bytes=10-999999', 10, size - 1],
    [`bytes=${size - 1}-`, size - 1, size - 1],
    ['Bytes=1-2', 1, 2],
    ['bytes= 1-2', 1, 2],
  ])('the range %s', async (range, start, end) => {
    const { ask, onDownload } = await aServer()
    const answer = await ask({ range })
    expect(answer.statusCode).toBe(206)
    expect(answer.headers['content-range']).toBe(`bytes ${start}-${end}/${size}`)
    expect(answer.headers['content-length']).toBe(String(end - start + 1))
    expect(answer.rawPayload).toEqual(zip.subarray(start, end + 1))
    expect(onDownload.mock.calls).toEqual([[key, undefined, end - start + 1]])
  })

  test.each([
    'bytes=0-1,5-2',
    'bytes=0-,0-0',
    'bytes=5-2',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes=1',
    'items=0-1',
    '0-1',
    'bytes=-1-2',
  ])('the whole artifact for the range %s', async (range) => {
    const { ask } = await aServer()
    const answer = await ask({ range })
    expect(answer.statusCode).toBe(200)
    expect(answer.rawPayload).toEqual(zip)
  })

  test('several ranges, each as a part of its own', async () => {
    const { ask, onDownload } = await aServer()
    const answer = await ask({ range: 'bytes=10-19, 0-4', 'accept-encoding': 'br' })
    const part = (start: number, end: number) =>
      `--${key}\r\ncontent-type: application/zip\r\ncontent-range: bytes ${start}-${end}/${size}\r\n\r\n` +
      `${zip.subarray(start, end + 1).toString('latin1')}\r\n`
    const body = `${part(10, 19)}${part(0, 4)}--${key}--\r\n`
    expect(answer.statusCode).toBe(206)
    expect(answer.rawPayload.toString('latin1')).toBe(body)
    expect(answer.headers).toMatchObject({
      etag,
      'content-type': `multipart/byteranges; boundary=${key}`,
      'content-length': String(body.length),
      'cache-control': 'public, max-age=31536000, immutable',
    })
    expect(answer.headers).not.toHaveProperty('content-range')
    expect(onDownload.mock.calls).toEqual([[key, undefined, 15]])
    expect((await ask({ range: 'bytes=10-19, 0-4', 'if-range': '"other"' })).statusCode).toBe(200)
  })

  test('of several ranges those that there are', async () => {
    const { ask } = await aServer()
    const answer = await ask({ range: `bytes=10-19, ${size}-` })
    expect([answer.statusCode, answer.headers['content-range']]).toEqual([206, `bytes 10-19/${size}`])
    expect((await ask({ range: `bytes=${size}-, ${size + 9}-` })).statusCode).toBe(416)
  })

  test.each([`bytes=${size}-`, `bytes=${size}-${size + 5}`, 'bytes=-0', 'bytes=99999999999999999999-'])(
    'no answer to the range %s',
    async (range) => {
      const { ask } = await aServer()
      const answer = await ask({ range })
      expect(answer.statusCode).toBe(416)
      expect(answer.headers['content-range']).toBe(`bytes */${size}`)
      expect(answer.headers['cache-control']).toBe('no-store')
      expect(answer.json()).toMatchObject({ type: expect.stringContaining('range-not-satisfiable') })
    },
  )

  test.each([
    ['its tag', etag, 206],
    ['another tag', '"other"', 200],
    ['a weak tag', `W/${etag}`, 200],
    ['a date', 'Mon, 05 Jan 2026 00:00:00 GMT', 200],
  ])('a download is resumed if the artifact is still the one with %s', async (_name, ifRange, status) => {
    const { ask } = await aServer()
    expect((await ask({ range: 'bytes=10-', 'if-range': ifRange })).statusCode).toBe(status)
  })

  test.each([
    [etag, 304],
    [`W/${etag}`, 304],
    [`"a", ${etag}`, 304],
    ['*', 304],
    ['"other"', 200],
  ])('a cache that has %s', async (ifNoneMatch, status) => {
    const { ask } = await aServer()
    const answer = await ask({ 'if-none-match': ifNoneMatch })
    expect(answer.statusCode).toBe(status)
    expect(answer.headers).toMatchObject({ etag, 'cache-control': 'public, max-age=31536000, immutable' })
  })

  test.each(['0'.repeat(64), 'latest', key.toUpperCase(), '..%2f..%2fetc%2fpasswd', `${key}.zip`, '%00'])(
    'there is no artifact %s',
    async (name) => {
      const { ask } = await aServer()
      for (const method of ['GET', 'HEAD'] as const) {
        const answer = await ask({}, method, name)
        expect(answer.statusCode).toBe(404)
        expect(answer.headers['cache-control']).toBe('no-store')
      }
      expect((await ask({}, 'GET', name)).json()).toMatchObject({ type: expect.stringContaining('artifact-not-found') })
    },
  )

  test('an artifact that goes between the look and the read', async () => {
    const { ask } = await aServer({ open: () => Promise.resolve(undefined) })
    expect((await ask()).statusCode).toBe(404)
  })

  describe('that are smaller compressed', () => {
    const packed = brotliCompressSync(zip)
    const packedTag = `"${key}-br"`
    const br = { 'accept-encoding': 'gzip, br' }

    test('go compressed to whoever reads that, as another representation', async () => {
      const { ask, onDownload } = await aServer({ packed })
      const answer = await ask(br)
      expect(answer.rawPayload).toEqual(packed)
      expect(answer.headers).toMatchObject({
        etag: packedTag,
        vary: 'accept-encoding',
        'content-encoding': 'br',
        'content-length': String(packed.length),
        'content-type': 'application/zip',
      })
      expect(onDownload.mock.calls).toEqual([[key, undefined, packed.length]])
      const head = await ask(br, 'HEAD')
      expect(head.headers).toMatchObject({ etag: packedTag, 'content-length': String(packed.length) })
      expect((await ask({ ...br, 'if-none-match': packedTag })).statusCode).toBe(304)
      expect((await ask({ ...br, 'if-none-match': etag })).statusCode).toBe(200)
    })

    test('go as they are to everybody else, and under their own names', async () => {
      const { ask } = await aServer({ packed })
      for (const headers of [{}, { 'accept-encoding': 'gzip' }, { 'accept-encoding': 'br;q=0' }]) {
        const answer = await ask(headers)
        expect(answer.rawPayload).toEqual(zip)
        expect(answer.headers).toMatchObject({ etag, vary: 'accept-encoding' })
        expect(answer.headers).not.toHaveProperty('content-encoding')
      }
      expect((await ask({}, 'GET', sha256(packed))).rawPayload).toEqual(packed)
    })

    test('a part is one of the bytes themselves, and never follows a compressed beginning', async () => {
      const { ask } = await aServer({ packed })
      const part = await ask({ ...br, range: 'bytes=10-19' })
      expect([part.statusCode, part.headers.etag]).toEqual([206, etag])
      expect(part.rawPayload).toEqual(zip.subarray(10, 20))
      const resumed = await ask({ ...br, range: 'bytes=10-', 'if-range': packedTag })
      expect([resumed.statusCode, resumed.headers.etag]).toEqual([200, etag])
      expect(resumed.rawPayload).toEqual(zip)
    })

    test('go as they are when what was made of them is lost', async () => {
      const { ask } = await aServer({
        packed,
        stat: (name) => Promise.resolve(name === key ? { sizeBytes: size, modifiedAt: new Date() } : undefined),
      })
      expect((await ask(br)).rawPayload).toEqual(zip)
    })
  })

  test('a driver that gives direct links is not streamed through', async () => {
    const { ask, onDownload } = await aServer({
      downloadUrl: () => Promise.resolve(new URL('https://cdn.example.com/a?signature=1')),
      open: () => Promise.reject(new Error('must not be opened')),
    })
    const answer = await ask({ range: 'bytes=0-1' })
    expect(answer.statusCode).toBe(302)
    expect(answer.headers).toMatchObject({
      location: 'https://cdn.example.com/a?signature=1',
      'cache-control': 'no-store',
    })
    expect(onDownload.mock.calls).toEqual([[key, undefined, 2]])
  })

  test.each<[string, Record<string, string>, 'GET' | 'HEAD', number]>([
    ['HEAD, as links are for GET alone', {}, 'HEAD', 200],
    ['a tag of this server, which a store does not know', { range: 'bytes=0-1', 'if-range': etag }, 'GET', 206],
    ['what is known already', { 'if-none-match': etag }, 'GET', 304],
    ['a script of a page', { origin: 'https://app.example.com' }, 'GET', 200],
    ['a range that there is not', { range: `bytes=${zip.length}-` }, 'GET', 416],
  ])('%s: the server answers itself', async (_what, headers, method, status) => {
    const downloadUrl = vi.fn<StorageDriver['downloadUrl']>(() => Promise.resolve(new URL('https://cdn.example.com/a')))
    const { ask } = await aServer({ downloadUrl })
    expect((await ask(headers, method)).statusCode).toBe(status)
    expect(downloadUrl).not.toHaveBeenCalled()
  })

  test('what another address says of the bytes is said with them, by the server', async () => {
    const downloadUrl = vi.fn<StorageDriver['downloadUrl']>(() => Promise.resolve(new URL('https://cdn.example.com/a')))
    const { app, ask } = await aServer({ downloadUrl })
    app.addHook('onRequest', async (request, reply) => {
      reply.raw.setHeader('cache-control', 'no-cache')
      if (request.headers['x-checked']) reply.raw.setHeader('x-checksum', key)
    })
    expect((await ask()).statusCode).toBe(302)
    const answer = await ask({ 'x-checked': '1' })
    expect([answer.statusCode, answer.headers['x-checksum']]).toEqual([200, key])
  })

  test('a link is told what the bytes are called, and whether they are nothing without it', async () => {
    const downloadUrl = vi.fn<StorageDriver['downloadUrl']>(() => Promise.resolve(undefined))
    const packed = gzipSync(zip)
    const { ask } = await aServer({ downloadUrl, packed, coding: 'gzip' })
    const named = { contentType: 'application/zip', contentDisposition: `attachment; filename="${key}.zip"` }
    await ask()
    await ask({ 'sec-fetch-mode': 'navigate' })
    expect((await ask({ 'accept-encoding': 'gzip' })).rawPayload).toEqual(packed)
    expect(downloadUrl.mock.calls).toEqual([
      [key, { headers: named, mustHaveHeaders: false }],
      [key, { headers: named, mustHaveHeaders: true }],
      [sha256(packed), { headers: { ...named, contentEncoding: 'gzip' }, mustHaveHeaders: true }],
    ])
  })

  test('several ranges do not lead to a link: what stores send of them is one, or all', async () => {
    const downloadUrl = vi.fn<StorageDriver['downloadUrl']>(() => Promise.resolve(new URL('https://cdn.example.com/a')))
    const { ask } = await aServer({ downloadUrl })
    expect((await ask({ range: 'bytes=0-1, 5-6' })).statusCode).toBe(206)
    expect(downloadUrl).not.toHaveBeenCalled()
  })

  test('a disk that fails in the middle ends the connection instead of the file', async () => {
    const { app, onDownload } = await aServer({
      open: () =>
        Promise.resolve(
          Readable.from(
            (async function* () {
              yield zip.subarray(0, 100)
              await new Promise(setImmediate)
              throw new Error('EIO')
            })(),
          ),
        ),
    })
    const address = await app.listen({ port: 0, host: '127.0.0.1' })
    await expect(fetch(`${address}/artifacts/${key}`).then((answer) => answer.arrayBuffer())).rejects.toThrow(Error)
    expect(onDownload).not.toHaveBeenCalled()
  })

  test('a client that goes away has its file closed', async () => {
    const large = aZip(randomBytes(20_000_000))
    const { app, onDownload } = await aServer({ bytes: large })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    const request = get({ port, host: '127.0.0.1', path: `/artifacts/${sha256(large)}` })
    const [answer] = (await once(request, 'response')) as [Readable]
    await once(answer, 'readable')
    expect(await openFiles(sha256(large))).toBe(1)
    request.destroy()
    await eventually(async () => expect(await openFiles(sha256(large))).toBe(0))
    expect(onDownload).not.toHaveBeenCalled()
  })

  test('a client that goes away in the middle of several ranges has its file closed', async () => {
    const large = aZip(randomBytes(40_000_000))
    const { app, onDownload } = await aServer({ bytes: large })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    const headers = { range: 'bytes=0-19999999, 20000000-39999999' }
    const request = get({ port, host: '127.0.0.1', path: `/artifacts/${sha256(large)}`, headers })
    const [answer] = (await once(request, 'response')) as [Readable]
    await once(answer, 'readable')
    expect(await openFiles(sha256(large))).toBe(1)
    request.destroy()
    await eventually(async () => expect(await openFiles(sha256(large))).toBe(0))
    expect(onDownload).not.toHaveBeenCalled()
  })
})

/** How often this process has a file of this name open. Only Linux tells; elsewhere the count is what is hoped for. */
async function openFiles(name: string): Promise<number> {
  const descriptors = await readdir('/proc/self/fd').catch(() => [])
  const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  return targets.filter((target) => target.endsWith(name)).length
}
