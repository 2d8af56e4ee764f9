import { readFileSync } from 'node:fs'
import { mkdir, open, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import express from 'express'
import createFastify from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createBundleHandler, type BundleHandlerOptions } from './bundle-handler.ts'
import { webBundle } from './fastify.ts'
import {
  buildOf,
  filesOf,
  makeDirectory,
  replaceFile,
  sha256,
  writeFiles,
  type Build,
} from './testing/bundle-directory.ts'

const BASE = '/api/v1/native/bundle'
/** Long after anything was written. */
const LATER = { now: () => Date.now() + 3_600_000 }

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  bytes: Buffer
  json(): Record<string, unknown>
}

/** Over a real socket; a connection that breaks off rejects. */
async function fetchFrom(port: number, path: string, { method = 'GET', headers = {} } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ port, host: '127.0.0.1', path, method, headers, agent: false }, (response) => {
      buffer(response).then((bytes) => {
        const json = () => JSON.parse(bytes.toString()) as Record<string, unknown>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, json })
      }, reject)
    })
    sent.on('error', reject).end()
  })
}

async function serve(options: BundleHandlerOptions) {
  const bundles = createBundleHandler({ ...LATER, ...options })
  const server = createServer((request, response) => {
    void bundles(request, response, () => response.writeHead(404).end('elsewhere'))
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    bundles.close()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return (path: string, more?: { method?: string; headers?: Record<string, string> }) => fetchFrom(port, path, more)
}

async function serveBuild(build: Build, form?: 'bound' | 'hash' | 'line', options: Partial<BundleHandlerOptions> = {}) {
  const directory = await makeDirectory()
  await writeFiles(directory, filesOf(build, form))
  return { directory, ask: await serve({ directory, ...options }) }
}

/** By the clock of the files: however long a busy machine takes, it is no time that they were left alone for. */
async function lastChange(directory: string): Promise<number> {
  const names = await readdir(directory)
  const stats = await Promise.all(names.map((name) => stat(join(directory, name))))
  return Math.max(...stats.map(({ ctimeMs }) => ctimeMs))
}

const manifestOf = ({ version, checksum, minNativeVersion }: Build, publicUrl = '') => ({
  version,
  url: `${publicUrl}${BASE}/download?checksum=${checksum}`,
  checksum,
  minNativeVersion,
})

const NOT_AVAILABLE = { code: 'OTA_BUNDLE_NOT_AVAILABLE', message: expect.stringMatching(/\S/) }

describe('a folder with a bundle', () => {
  test.each(['bound', 'line', 'hash'] as const)('is served, its checksum as "%s"', async (form) => {
    const build = buildOf('1.2.0', { minNativeVersion: '3.1.0' })
    const { ask } = await serveBuild(build, form)
    const manifest = await ask(`${BASE}/manifest`)
    expect(manifest.json()).toEqual(manifestOf(build))
    expect(manifest.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'access-control-allow-origin': '*',
    })
    for (const path of [`${BASE}/download`, String(manifest.json().url)]) {
      const { status, headers, bytes } = await ask(path)
      expect([status, sha256(bytes)]).toEqual([200, build.checksum])
      expect(headers).toMatchObject({
        'content-type': 'application/zip',
        'content-length': String(build.zip.length),
        'cache-control': 'public, max-age=31536000, immutable',
        etag: `"${build.checksum}"`,
        'accept-ranges': 'bytes',
        'access-control-allow-origin': '*',
      })
    }
  })

  test('its manifest is what the server of updates would say', async () => {
    const path = new URL('../../../vectors/dialects/web-bundle/manifests.json', import.meta.url)
    const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: { expected: object | null }[] }
    const { directory, ask } = await serveBuild(buildOf('1'))
    const fields = async () => Object.keys((await ask(`${BASE}/manifest`)).json())
    const plain = await fields()
    await writeFile(join(directory, 'bundle.sig'), Buffer.alloc(64).toString('base64'))
    const signed = await fields()
    for (const { expected } of cases) {
      if (expected) expect(Object.keys(expected)).toEqual('signature' in expected ? signed : plain)
    }
  })

  test('has the address that it is told of, and a signature where there is one', async () => {
    const build = buildOf('1.0.0')
    const { ask, directory } = await serveBuild(build, 'bound', { publicUrl: 'https://example.com/shop/' })
    expect((await ask(`${BASE}/manifest`)).json()).toEqual(manifestOf(build, 'https://example.com/shop'))
    const signature = Buffer.alloc(64, 7).toString('base64')
    await writeFile(join(directory, 'bundle.sig'), `${signature}\n`)
    expect((await ask(`${BASE}/manifest`)).json().signature).toBe(signature)
  })

  test('HEAD says what GET would, and sends nothing', async () => {
    const { ask } = await serveBuild(buildOf('1.0.0'))
    for (const path of [`${BASE}/manifest`, `${BASE}/download`]) {
      const [head, get] = [await ask(path, { method: 'HEAD' }), await ask(path)]
      expect([head.status, head.bytes.length]).toEqual([200, 0])
      const { date: _head, ...ofHead } = head.headers
      const { date: _get, ...ofGet } = get.headers
      expect(ofHead).toEqual(ofGet)
    }
  })

  const build = buildOf('1.0.0', { sizeBytes: 1000 })
  const etag = `"${build.checksum}"`
  test.each<[string, Record<string, string>, number, string | undefined, number]>([
    ['a part', { range: 'bytes=10-19' }, 206, 'bytes 10-19/1000', 10],
    ['the rest', { range: 'bytes=990-' }, 206, 'bytes 990-999/1000', 10],
    ['the end', { range: 'bytes=-5' }, 206, 'bytes 995-999/1000', 5],
    ['more than there is', { range: 'bytes=0-99999' }, 206, 'bytes 0-999/1000', 1000],
    ['a part of the same build', { range: 'bytes=10-19', 'if-range': etag }, 206, 'bytes 10-19/1000', 10],
    ['a part of another build', { range: 'bytes=10-19', 'if-range': '"other"' }, 200, undefined, 1000],
    ['several parts', { range: 'bytes=0-1,5-6' }, 200, undefined, 1000],
    ['something else', { range: 'lines=1-2' }, 200, undefined, 1000],
    ['a part that ends before it begins', { range: 'bytes=9-3' }, 200, undefined, 1000],
    ['what is behind the end', { range: 'bytes=1000-' }, 416, 'bytes */1000', -1],
    ['nothing at the end', { range: 'bytes=-0' }, 416, 'bytes */1000', -1],
    ['only what is new', { 'if-none-match': `W/"x", ${etag}` }, 304, undefined, 0],
    ['only what is newer', { 'if-none-match': '"x"' }, 200, undefined, 1000],
  ])('%s is asked for', async (_case, headers, status, range, length) => {
    const { ask } = await serveBuild(build)
    const answer = await ask(`${BASE}/download`, { headers })
    expect([answer.status, answer.headers['content-range']]).toEqual([status, range])
    if (length >= 0) expect(answer.bytes.length).toBe(length)
    const [start = 0] =
      /bytes (\d+)/
        .exec(range ?? '')
        ?.slice(1)
        .map(Number) ?? []
    if (status === 206) expect(answer.bytes).toEqual(build.zip.subarray(start, start + length))
  })

  test('answers nothing else, and no other methods', async () => {
    const { ask } = await serveBuild(build)
    expect((await ask('/')).bytes.toString()).toBe('elsewhere')
    expect((await ask(`${BASE}/download/../../../../etc/passwd`)).status).toBe(404)
    const refused = await ask(`${BASE}/manifest`, { method: 'POST' })
    expect([refused.status, refused.headers.allow, refused.json().code]).toEqual([
      405,
      'GET, HEAD, OPTIONS',
      'METHOD_NOT_ALLOWED',
    ])
    expect(await ask(`${BASE}/manifest`, { method: 'OPTIONS' })).toMatchObject({ status: 204 })
  })
})

describe('there is no bundle', () => {
  const whole = filesOf(buildOf('1.0.0'))
  const without = (name: string) => Object.fromEntries(Object.entries(whole).filter(([other]) => other !== name))
  test.each<[string, Record<string, Buffer | string>, RegExp]>([
    ['in an empty folder', {}, /ENOENT/],
    ['without the zip', without('bundle.zip'), /bundle\.zip/],
    ['without the checksum', without('bundle.sha256'), /bundle\.sha256/],
    ['without a version', without('VERSION'), /VERSION/],
    ['without the version that it needs', without('MIN_NATIVE_VERSION'), /MIN_NATIVE_VERSION/],
    [
      'half written',
      { ...whole, 'bundle.zip': buildOf('1.0.0').zip.subarray(1000) },
      /expected bundle\.zip with the SHA-256/,
    ],
    ['an empty zip', { ...whole, 'bundle.zip': '', 'bundle.sha256': sha256('') }, /expected bundle\.zip/],
    ['with another version', { ...whole, VERSION: '1.1.0' }, /VERSION is not the one/],
    ['with another minimum', { ...whole, MIN_NATIVE_VERSION: '9.9.9' }, /MIN_NATIVE_VERSION is not the one/],
    ['with a checksum that is none', { ...whole, 'bundle.sha256': 'soon' }, /sha256sum/],
    [
      'with the checksum of something else',
      { ...whole, 'bundle.sha256': `${sha256('x')}  other.zip` },
      /SHA-256 of bundle\.zip/,
    ],
    ['with a minimum that is no version', { ...filesOf(buildOf('1', { minNativeVersion: 'soon' })) }, /"soon"/],
    ['with an endless version', { ...filesOf(buildOf('1'), 'hash'), VERSION: 'x'.repeat(5000) }, /longer than 4096/],
    ['with a version of two words', { ...filesOf(buildOf('1'), 'hash'), VERSION: '1.0 beta' }, /"1\.0 beta"/],
    ['with a signature that is none', { ...whole, 'bundle.sig': 'me' }, /bundle\.sig has "me"/],
  ])('%s: 404, and the operator hears why', async (_case, files, reason) => {
    const directory = await makeDirectory()
    await writeFiles(directory, files)
    const heard: string[] = []
    const ask = await serve({ directory, onUnavailable: (why) => heard.push(why) })
    for (const path of [`${BASE}/manifest`, `${BASE}/download`, `${BASE}/manifest`]) {
      const { status, json } = await ask(path)
      expect([status, json()]).toEqual([404, NOT_AVAILABLE])
    }
    expect(heard).toEqual([expect.stringMatching(reason)])
  })

  test('a folder that comes later is served when it is there', async () => {
    const directory = join(await makeDirectory(), 'later')
    const ask = await serve({ directory })
    expect((await ask(`${BASE}/manifest`)).status).toBe(404)
    await writeFiles(directory, filesOf(buildOf('1.0.0')))
    expect((await ask(`${BASE}/manifest`)).json().version).toBe('1.0.0')
  })

  test('what has no end is not read', async () => {
    const { directory, ask } = await serveBuild(buildOf('1.0.0'))
    await rm(join(directory, 'VERSION'))
    await symlink('/dev/zero', join(directory, 'VERSION'))
    expect((await ask(`${BASE}/manifest`)).status).toBe(404)
  })

  test('a copy that cannot be made is told, and made when it can', async () => {
    const heard: string[] = []
    const temporaryDirectory = join(await makeDirectory(), 'later')
    const options = { temporaryDirectory, onUnavailable: (why: string) => heard.push(why) }
    const { ask } = await serveBuild(buildOf('1.0.0'), 'bound', options)
    expect((await ask(`${BASE}/manifest`)).status).toBe(404)
    expect(heard).toEqual([expect.stringMatching(/ENOENT.*later/)])
    await mkdir(temporaryDirectory)
    expect((await ask(`${BASE}/manifest`)).status).toBe(200)
  })
})

describe('a build takes the place of another', () => {
  test('the next question is answered with it, and the one before can still be downloaded', async () => {
    const [one, two, three] = [buildOf('1.0.0'), buildOf('2.0.0'), buildOf('3.0.0')]
    const { directory, ask } = await serveBuild(one)
    const first = (await ask(`${BASE}/manifest`)).json()
    await writeFiles(directory, filesOf(two))
    expect((await ask(`${BASE}/manifest`)).json()).toEqual(manifestOf(two))
    expect(sha256((await ask(String(first.url))).bytes)).toBe(one.checksum)
    await writeFiles(directory, filesOf(three))
    expect((await ask(`${BASE}/manifest`)).json()).toEqual(manifestOf(three))
    // Never other bytes under the address of a build that is gone.
    const gone = await ask(String(first.url))
    expect([gone.status, gone.json()]).toEqual([404, NOT_AVAILABLE])
  })

  test('what is overwritten in the middle of a download arrives as it was', async () => {
    const build = buildOf('1.0.0', { sizeBytes: 5_000_000 })
    const { directory, ask } = await serveBuild(build)
    const download = ask(`${BASE}/download`)
    await ask(`${BASE}/manifest`)
    const file = await open(join(directory, 'bundle.zip'), 'r+')
    await file.write(Buffer.alloc(5_000_000, 'x'), 0, 5_000_000, 0)
    await file.close()
    expect(sha256((await download).bytes)).toBe(build.checksum)
    expect((await ask(`${BASE}/manifest`)).status).toBe(404)
  })

  test('where the checksum says nothing of the version, files must have been left alone for a while', async () => {
    let now = 0
    const [one, two] = [buildOf('1.0.0'), buildOf('2.0.0')]
    const { directory, ask } = await serveBuild(one, 'hash', { now: () => now })
    const status = async () => (await ask(`${BASE}/manifest`)).status
    now = await lastChange(directory)
    expect(await status()).toBe(404)
    now += 10_000
    expect(await status()).toBe(200)
    await writeFiles(directory, { 'bundle.zip': two.zip, 'bundle.sha256': two.checksum })
    now = (await lastChange(directory)) + 100
    expect(await status()).toBe(404)
    await writeFiles(directory, { VERSION: two.version })
    now = (await lastChange(directory)) + 10_000
    expect((await ask(`${BASE}/manifest`)).json()).toEqual(manifestOf(two))
  })

  test('a signature of the build before is not served beside the next one', async () => {
    let now = 0
    const [one, two] = [buildOf('1.0.0'), buildOf('2.0.0')]
    const signature = (of: string) => `${Buffer.alloc(64, of).toString('base64')}\n`
    const signed = (build: Build) => {
      const files = filesOf(build)
      const text = signature(build.version)
      return {
        ...files,
        'bundle.sig': text,
        'bundle.sha256': `${String(files['bundle.sha256'])}${sha256(text)}  bundle.sig\n`,
      }
    }
    const { directory, ask } = await serveBuild(one, 'bound', { now: () => now })
    await writeFiles(directory, signed(one))
    now = await lastChange(directory)
    expect((await ask(`${BASE}/manifest`)).json().signature).toBe(signature('1.0.0').trim())
    const { 'bundle.sig': late, ...others } = signed(two)
    await writeFiles(directory, others)
    expect((await ask(`${BASE}/manifest`)).status).toBe(404)
    await writeFiles(directory, { 'bundle.sig': late })
    expect((await ask(`${BASE}/manifest`)).json()).toMatchObject({
      version: '2.0.0',
      signature: signature('2.0.0').trim(),
    })
    await rm(join(directory, 'bundle.sig'))
    expect((await ask(`${BASE}/manifest`)).status).toBe(404)
    // Not bound to the build, it may be of another one until the files were left alone.
    await writeFiles(directory, { ...filesOf(two), 'bundle.sig': late })
    now = await lastChange(directory)
    expect((await ask(`${BASE}/manifest`)).status).toBe(404)
    now += 10_000
    expect((await ask(`${BASE}/manifest`)).status).toBe(200)
  })

  test('a link that is switched is one step', async () => {
    const root = await makeDirectory()
    const builds = [buildOf('1.0.0'), buildOf('2.0.0')]
    for (const build of builds) await writeFiles(join(root, build.version), filesOf(build, 'hash'))
    await symlink('1.0.0', join(root, 'current'))
    const ask = await serve({ directory: join(root, 'current') })
    expect((await ask(`${BASE}/manifest`)).json().version).toBe('1.0.0')
    await rm(join(root, 'current'))
    await symlink('2.0.0', join(root, 'current'))
    expect((await ask(`${BASE}/manifest`)).json()).toEqual(manifestOf(builds[1]!))
  })

  test.each([
    [
      'renamed one by one',
      (directory: string, name: string, content: Buffer | string) => replaceFile(directory, name, content),
    ],
    [
      'written in place',
      (directory: string, name: string, content: Buffer | string) => writeFile(join(directory, name), content),
    ],
  ])('%s, in any order, while many read: nobody ever gets one that is not whole', async (_case, write) => {
    const builds = Array.from({ length: 4 }, (_, index) =>
      buildOf(`${index}.0.0`, { minNativeVersion: `${index}.1`, sizeBytes: 200_000 + index }),
    )
    const known = new Map(builds.map((build) => [build.version, build]))
    const { directory, ask } = await serveBuild(builds[0]!)
    const replacing = { isOver: false }
    let served = 0
    const read = async () => {
      while (!replacing.isOver) {
        const manifest = await ask(`${BASE}/manifest`)
        if (manifest.status === 404) continue
        const told = manifest.json()
        expect(told).toEqual(manifestOf(known.get(String(told.version))!))
        const download = await ask(String(told.url))
        if (download.status === 404) continue
        expect(sha256(download.bytes)).toBe(told.checksum)
        served += 1
      }
    }
    const readers = Promise.all([read(), read(), read()])
    for (let round = 1; round <= 24; round += 1) {
      const files = Object.entries(filesOf(builds[round % builds.length]!))
      // Another order each time.
      for (let at = 0; at < files.length; at += 1) {
        const [name, content] = files[(at * (round % 2 === 0 ? 1 : 3) + round) % files.length]!
        await write(directory, name, content)
        if (round % 3 === 0) await ask(`${BASE}/manifest`)
      }
      await ask(`${BASE}/manifest`)
    }
    replacing.isOver = true
    await readers
    expect(served).toBeGreaterThan(0)
    expect((await ask(`${BASE}/manifest`)).json()).toEqual(manifestOf(builds[24 % builds.length]!))
  })

  test('no copy is left behind', async () => {
    const temporaryDirectory = await makeDirectory()
    const { directory, ask } = await serveBuild(buildOf('1.0.0'), 'bound', { temporaryDirectory })
    for (const version of ['2', '3', '4']) {
      await ask(`${BASE}/download`)
      await writeFiles(directory, filesOf(buildOf(version)))
    }
    await writeFile(join(directory, 'bundle.zip'), 'broken')
    await ask(`${BASE}/manifest`)
    expect(await readdir(temporaryDirectory)).toEqual([])
  })
})

test.each(['ftp://x', 'example.com', 'https://x/?a=1', 'https://user@x'])(
  'refuses as its public address: %s',
  (publicUrl) => {
    expect(() => createBundleHandler({ directory: '.', publicUrl })).toThrow(/Expected an address such as/)
  },
)

describe('in other servers, below a path of theirs', () => {
  const build = buildOf('1.0.0')

  test('Express', async () => {
    const directory = await makeDirectory()
    await writeFiles(directory, filesOf(build))
    const bundles = createBundleHandler({ directory, ...LATER })
    const app = express()
    app.use('/shop', bundles)
    app.get('/shop/other', (_request, response) => void response.send('mine'))
    const server = app.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    onTestFinished(() => {
      bundles.close()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    expect((await fetchFrom(port, `/shop${BASE}/manifest`)).json()).toEqual(manifestOf(build))
    expect(sha256((await fetchFrom(port, `/shop${BASE}/download`)).bytes)).toBe(build.checksum)
    expect((await fetchFrom(port, '/shop/other')).bytes.toString()).toBe('mine')
  })

  test('Fastify', async () => {
    const directory = await makeDirectory()
    await writeFiles(directory, filesOf(build))
    const app = createFastify()
    await app.register(webBundle, { directory, prefix: '/shop', ...LATER })
    app.get('/shop/other', async () => 'mine')
    await app.listen({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => app.close())
    const { port } = app.server.address() as AddressInfo
    expect((await fetchFrom(port, `/shop${BASE}/manifest?x=1`)).json()).toEqual(manifestOf(build))
    const part = await fetchFrom(port, `/shop${BASE}/download?checksum=${build.checksum}`, {
      headers: { range: 'bytes=0-9' },
    })
    expect([part.status, part.bytes]).toEqual([206, build.zip.subarray(0, 10)])
    expect((await fetchFrom(port, `/shop${BASE}/download`, { method: 'HEAD' })).headers.etag).toBe(
      `"${build.checksum}"`,
    )
    expect((await fetchFrom(port, '/shop/other')).bytes.toString()).toBe('mine')
  })
})

test('a folder in the place of a file is told', async () => {
  const heard: string[] = []
  const { directory, ask } = await serveBuild(buildOf('1.0.0'), 'bound', { onUnavailable: (why) => heard.push(why) })
  await rm(join(directory, 'VERSION'))
  await mkdir(join(directory, 'VERSION'))
  expect((await ask(`${BASE}/manifest`)).status).toBe(404)
  expect(heard).toEqual([expect.stringMatching(/VERSION is not a file/)])
})
