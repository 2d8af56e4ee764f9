import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createManagementClient } from '@hotpatch/api'
import {
  describeOnEveryDatabase,
  makeTemporaryDirectory,
  problemOf,
  sha256Of,
  startServerProcess,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { HOUR_MS } from '../../../ground/clock.ts'
import { openDatabase } from '../../../ground/database/open-database.ts'
import { APP_ID, openContentStore } from '../testing/open-content-store.ts'
import { createResumableUploads, type ResumableUploads } from './resumable-uploads.ts'

const disk = (text: string) => Buffer.concat([noise(5_000), Buffer.from(`${text}koly`), Buffer.alloc(508)])
const base64 = (text: string) => Buffer.from(text).toString('base64')

describeOnEveryDatabase('resumable uploads', (open) => {
  let server: TestServer
  let now = Date.UTC(2027, 0, 1)
  let site = ''
  let other = ''
  beforeAll(async () => {
    const env = { HOTPATCH_MAX_UPLOADS: '3', HOTPATCH_UPLOAD_HOURS: '2', HOTPATCH_MAX_BINARY_BYTES: '50000' }
    server = await startTestServer({ database: await open(), clock: { now: () => now }, env })
    site = `/manage/v1/apps/${(await server.createTestApp({ platforms: ['macos'] })).slug}`
    other = `/manage/v1/apps/${(await server.createTestApp()).slug}`
  })
  afterAll(() => server.close())

  const tus = { 'tus-resumable': '1.0.0' }
  const metadataOf = (bytes: Buffer, changes: Record<string, string> = {}) =>
    Object.entries({ sha256: sha256Of(bytes), kind: 'binary', filename: 'Shop 1.dmg', ...changes })
      .map(([name, value]) => `${name} ${base64(value)}`)
      .join(',')
  const create = (bytes: Buffer, changes: Record<string, string> = {}, metadata = metadataOf(bytes)) =>
    server.request('POST', `${site}/uploads`, {
      headers: { ...tus, 'upload-length': String(bytes.length), 'upload-metadata': metadata, ...changes },
    })
  async function begun(bytes: Buffer, metadata?: string): Promise<string> {
    const { status, headers } = await create(bytes, {}, metadata)
    expect(status).toBe(201)
    return new URL(String(headers.location)).pathname
  }
  const patch = (path: string, offset: number, body: Buffer, headers: Record<string, string> = {}) =>
    server.request('PATCH', path, {
      body,
      headers: {
        ...tus,
        'content-type': 'application/offset+octet-stream',
        'upload-offset': String(offset),
        'content-length': String(body.length),
        ...headers,
      },
    })
  const head = (path: string) => server.request('HEAD', path, { headers: tus })
  const end = (path: string) => server.request('DELETE', path, { headers: tus })
  const isThere = async (bytes: Buffer) =>
    (await server.request('GET', `${site}/artifacts/${sha256Of(bytes)}?kind=binary`)).status === 200
  const left = () => readdir(join(server.directory, 'resumable-uploads'))

  test('arrive in parts, and wait for their release like any others', async () => {
    const bytes = disk('in parts')
    const answer = await create(bytes)
    expect([answer.status, answer.headers['upload-expires']]).toEqual([201, new Date(now + 2 * HOUR_MS).toUTCString()])
    const path = new URL(String(answer.headers.location)).pathname
    const first = await patch(path, 0, bytes.subarray(0, 2_000))
    expect([first.status, first.headers['upload-offset']]).toEqual([204, '2000'])
    const asked = await head(path)
    expect([asked.status, asked.headers['upload-offset'], asked.headers['upload-length']]).toEqual([
      200,
      '2000',
      String(bytes.length),
    ])
    expect(await isThere(bytes)).toBe(false)
    expect((await patch(path, 2_000, bytes.subarray(2_000))).status).toBe(204)
    expect(await isThere(bytes)).toBe(true)
    // It is done: whoever lost the answer finds the bytes.
    expect(problemOf(await patch(path, bytes.length, Buffer.alloc(0)))).toBe('404 upload-not-found')
    expect(await left()).toEqual([])
  })

  test('of the same bytes at once both succeed', async () => {
    const bytes = disk('twice')
    const paths = [await begun(bytes), await begun(bytes)]
    const answers = await Promise.all(paths.map((path) => patch(path, 0, bytes)))
    expect(answers.map(({ status }) => status)).toEqual([204, 204])
    expect([await isThere(bytes), await left()]).toEqual([true, []])
  })

  test('that are ended by several at once are ended once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const bytes = disk(`ended ${round}`)
      const path = await begun(bytes)
      const answers = await Promise.all([
        patch(path, 0, bytes),
        ...Array.from({ length: 6 }, () => patch(path, bytes.length, Buffer.alloc(0))),
        end(path),
      ])
      for (const { status } of answers) expect([204, 404, 409]).toContain(status)
    }
    expect(await left()).toEqual([])
  })

  test('are refused when they are not what they said, and nothing of them is left', async () => {
    const bytes = disk('wrong')
    const path = await begun(bytes, metadataOf(Buffer.from('other')))
    expect(problemOf(await patch(path, 0, bytes))).toBe('422 hash-mismatch')
    const page = Buffer.from('<p>no disk</p>')
    const second = await begun(page)
    expect(problemOf(await patch(second, 0, page))).toBe('422 invalid-binary')
    expect(await left()).toEqual([])
  })

  test('never grow beyond what they said', async () => {
    const bytes = disk('grows')
    const path = await begun(bytes)
    const more = Buffer.concat([bytes, Buffer.from('more')])
    expect(problemOf(await patch(path, 0, more))).toBe('413 body-too-large')
    expect((await head(path)).headers['upload-offset']).toBe('0')
    expect(problemOf(await patch(path, 7, bytes.subarray(7)))).toBe('409 upload-conflict')
    expect((await patch(path, 0, bytes)).status).toBe(204)
  })

  test('are bounded in number, until one is ended', async () => {
    const bytes = disk('many')
    const paths = [await begun(bytes), await begun(bytes)]
    // Half of them are one app's: it must not keep the others from publishing.
    expect(problemOf(await create(bytes))).toBe('429 too-many-uploads')
    const others = { headers: { ...tus, 'upload-length': '9', 'upload-metadata': metadataOf(bytes) } }
    const { status, headers } = await server.request('POST', `${other}/uploads`, others)
    expect(status).toBe(201)
    expect(problemOf(await server.request('POST', `${other}/uploads`, others))).toBe('429 too-many-uploads')
    await end(new URL(String(headers.location)).pathname)
    expect((await end(paths[0] ?? '')).status).toBe(204)
    paths[0] = await begun(bytes)
    for (const path of paths) await end(path)
    expect(await left()).toEqual([])
  })

  test('are bounded in time', async () => {
    const bytes = disk('slow')
    const path = await begun(bytes)
    now += 2 * HOUR_MS
    expect(problemOf(await patch(path, 0, bytes))).toBe('410 upload-expired')
    expect(await left()).toEqual([])
  })

  test.each<[string, Record<string, string>, string | undefined, string]>([
    ['no digest', {}, `kind ${base64('binary')}`, '400 invalid-request'],
    ['a digest that is none', {}, metadataOf(Buffer.from('x'), { sha256: 'abc' }), '400 invalid-request'],
    ['no kind', {}, metadataOf(Buffer.from('x'), { kind: 'none' }), '400 invalid-request'],
    ['no name', {}, metadataOf(Buffer.from('x'), { filename: '' }), '400 invalid-request'],
    ['metadata that are none', {}, '§', '400 invalid-request'],
    ['another protocol', { 'tus-resumable': '0.2.2' }, undefined, '400 invalid-request'],
    ['too many bytes', { 'upload-length': '50001' }, undefined, '413 body-too-large'],
    ['no bytes', { 'upload-length': '0' }, undefined, '400 invalid-request'],
    ['a length that comes later', { 'upload-defer-length': '1' }, undefined, '400 invalid-request'],
  ])('with %s are not begun', async (_what, headers, metadata, expected) => {
    expect(problemOf(await create(Buffer.from('x'), headers, metadata))).toBe(expected)
    expect(await left()).toEqual([])
  })

  test('of what is refused before it has come nothing more is awaited: the connection ends, and says so', async () => {
    const path = await begun(disk('cut'))
    const { hostname, port } = new URL(await server.listen())
    const socket = connect(Number(port), hostname)
    const own = { ...tus, 'content-type': 'application/offset+octet-stream', 'upload-offset': '7' }
    const headers = { host: hostname, authorization: `Bearer ${server.ownerToken}`, 'content-length': '99999', ...own }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(`PATCH ${path} HTTP/1.1\r\n${lines.join('')}\r\nthe beginning`)
    const answer = await text(socket)
    expect(answer).toMatch(/^HTTP\/1.1 409 /)
    expect(answer).toMatch(/\r\nconnection: close\r\n/i)
    await end(path)
  })

  test('are those of their app alone, and of whoever may publish', async () => {
    const bytes = disk('mine')
    const path = await begun(bytes)
    const foreign = path.replace(site, other)
    expect(problemOf(await patch(foreign, 0, bytes))).toBe('404 upload-not-found')
    for (const name of ['..%2fsecret', 'x', path.split('/').at(-1)?.replace('~', '~0') ?? '']) {
      expect((await head(`${site}/uploads/${name}`)).status).toBe(404)
    }
    const reader = await server.createToken({ role: 'reader' })
    const answer = await server.request('PATCH', path, { body: bytes, token: reader, headers: tus })
    expect(answer.status).toBe(403)
    await end(path)
  })
})

test('the client of the API knows one that is no more from one that it may not ask for', async () => {
  const server = await startTestServer()
  onTestFinished(() => server.close())
  const { slug } = await server.createTestApp({ platforms: ['macos'] })
  const reader = await server.createToken({ role: 'reader', app: slug })
  const url = await server.listen()
  const client = (token: string) => createManagementClient({ url, token })
  const claim = { sha256: sha256Of(disk('asked')), sizeBytes: 5_517, kind: 'binary' as const, filename: 'Shop.dmg' }
  const id = await client(server.ownerToken).beginUpload(slug, claim)
  expect(await client(server.ownerToken).getUploadOffset(slug, id)).toBe(0)
  expect(await client(server.ownerToken).getUploadOffset(slug, id.replace('~', '~0').slice(0, -1))).toBeUndefined()
  // An answer to HEAD says nothing but its status.
  await expect(client(reader).getUploadOffset(slug, id)).rejects.toThrow('The server answered 403.')
})

test('what was begun before a restart counts, and goes when its time is over', async () => {
  const db = openDatabase({ kind: 'sqlite', path: ':memory:' })
  onTestFinished(() => db.destroy())
  const { contents, files } = await openContentStore(db)
  const directory = await makeTemporaryDirectory()
  let now = Date.UTC(2027, 0, 1)
  const start = () =>
    createResumableUploads({
      directory,
      contents,
      files,
      maxUploads: 1,
      expireMs: HOUR_MS,
      clock: { now: () => now },
      newId: randomUUID,
    })
  const bytes = disk('restart')
  const begin = (uploads: ResumableUploads) => {
    const metadata = `sha256 ${base64(sha256Of(bytes))},kind ${base64('binary')},filename ${base64('a.dmg')}`
    const headers = { 'tus-resumable': '1.0.0', 'upload-length': String(bytes.length), 'upload-metadata': metadata }
    return uploads.handle(new Request('http://localhost/uploads', { method: 'POST', headers }), APP_ID, undefined)
  }
  expect((await begin(start())).status).toBe(201)
  const restarted = start()
  await restarted.sweep()
  await expect(begin(restarted)).rejects.toMatchObject({ type: 'too-many-uploads' })
  expect(await readdir(directory)).toHaveLength(2)
  now += HOUR_MS
  await restarted.sweep()
  expect(await readdir(directory)).toEqual([])
  expect((await begin(restarted)).status).toBe(201)
})

test('what could not begin, as of a full disk, counts for nothing', async () => {
  const db = openDatabase({ kind: 'sqlite', path: ':memory:' })
  onTestFinished(() => db.destroy())
  const { contents, files } = await openContentStore(db)
  const place = join(await makeTemporaryDirectory(), 'place')
  await writeFile(place, 'in the way')
  const clock = { now: () => Date.UTC(2027, 0, 1) }
  const parts = { contents, files, maxUploads: 2, expireMs: HOUR_MS, clock, newId: randomUUID }
  const uploads = createResumableUploads({ directory: place, ...parts })
  const begin = () => {
    const metadata = `sha256 ${'a'.repeat(64)},kind ${base64('binary')},filename ${base64('a.dmg')}`
    const headers = {
      'tus-resumable': '1.0.0',
      'upload-length': '9',
      'upload-metadata': metadata.replace('a'.repeat(64), base64('a'.repeat(64))),
    }
    return uploads.handle(new Request('http://localhost/uploads', { method: 'POST', headers }), APP_ID, undefined)
  }
  for (let attempt = 0; attempt < 3; attempt += 1) await expect(begin()).rejects.not.toMatchObject({ status: 429 })
  await rm(place)
  expect((await begin()).status).toBe(201)
})

/** Linux has a file that is always full. */
const FULL = '/dev/full'

test.runIf(existsSync(FULL))('bytes that a full disk does not take may come again', async () => {
  const directory = await makeTemporaryDirectory()
  // Of which error is heard first, the disk's or ours, a server by itself decides otherwise than one within a test.
  const { url, ownerToken, stop } = await startServerProcess({ directory })
  onTestFinished(async () => void (await stop()))
  const bytes = noise(300_000)
  const ask = (method: string, path: string, headers: Record<string, string>, body?: Uint8Array<ArrayBuffer>) =>
    fetch(`${url}/manage/v1/apps${path}`, {
      method,
      headers: { authorization: `Bearer ${ownerToken}`, ...headers },
      ...(body && { body }),
    })
  const tus = { 'tus-resumable': '1.0.0' }
  const app = JSON.stringify({ slug: 'demo', platforms: ['ios'] })
  await ask('POST', '', { 'content-type': 'application/json' }, new TextEncoder().encode(app))
  const metadata = `sha256 ${base64(sha256Of(bytes))},kind ${base64('asset')}`
  const begun = await ask('POST', '/demo/uploads', {
    ...tus,
    'upload-length': String(bytes.length),
    'upload-metadata': metadata,
  })
  const id = begun.headers.get('location')?.split('/').at(-1) ?? ''
  const path = join(directory, 'resumable-uploads', `${id}.upload`)
  await rm(path)
  await symlink(FULL, path)
  const headers = { ...tus, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' }
  const send = () => ask('PATCH', `/demo/uploads/${id}`, headers, new Uint8Array(bytes))
  const refused = await send()
  expect(await refused.json()).toMatchObject({ status: 503, detail: 'There is no room left to store uploads.' })
  await rm(path)
  await writeFile(path, '')
  expect((await send()).status).toBe(204)
})
