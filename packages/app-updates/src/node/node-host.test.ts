import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { VerifiedFile } from '../ground/ports.ts'
import type { AppUpdaterOptions } from '../ground/settings.ts'
import { startFileServer, type FileServer } from '../testing/file-server.ts'
import { createAppUpdater } from '../updater/updater.ts'
import { createNodeHost, createNodeInstaller, createNodePart, thisMachine } from './index.ts'

const BYTES = randomBytes(3_000_000)
const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

let server: FileServer
let directory: string
let handedOver: VerifiedFile[]
beforeEach(async () => {
  server = await startFileServer()
  directory = await realpath(await mkdtemp(join(tmpdir(), 'hotpatch-app-updates-')))
  handedOver = []
  offer()
})
afterEach(async () => {
  await server.stop()
  await rm(directory, { recursive: true, force: true })
})

function offer(fields: object = {}): void {
  server.serveJson('/api/updates/check', {
    update_available: true,
    latest_version: '1.1.0+2',
    download_url: `${server.url}/app`,
    file_size: BYTES.length,
    checksum: sha256Of(BYTES),
    file_name: 'app.AppImage',
    ...fields,
  })
}

function updater(options: Partial<AppUpdaterOptions> = {}) {
  const host = createNodeHost({
    directory: join(directory, 'update'),
    installer: {
      async handOver(file) {
        handedOver.push(file)
      },
    },
  })
  return createAppUpdater(host, {
    serverUrl: server.url,
    platform: 'linux',
    installedVersion: '1.0.0+1',
    allowInsecure: 'loopback',
    limits: { backOffMs: 1, backOffMaxMs: 2, idleTimeoutMs: 2_000 },
    ...options,
  })
}

async function fetchAll(options: Partial<AppUpdaterOptions> = {}) {
  const made = updater(options)
  await made.check()
  return { made, state: await made.download() }
}

test('a file from a real server, over broken connections, is handed over whole', async () => {
  server.serveFile('/app', BYTES, { breakAfter: 1_000_000 })
  const { made, state } = await fetchAll()
  expect(state.kind).toBe('ready')
  expect(server.requests.filter(({ path }) => path === '/app').map(({ range }) => range?.split('-')[0])).toEqual([
    undefined,
    expect.stringMatching(/^bytes=\d+$/),
    expect.stringMatching(/^bytes=\d+$/),
  ])
  expect((await made.install()).kind).toBe('handed-over')
  expect(handedOver).toMatchObject([{ path: join(directory, 'update/ready/app.AppImage'), format: 'appimage' }])
  expect(await readFile(handedOver[0]?.path ?? '')).toEqual(BYTES)
})

test('another process goes on with what the first one left', async () => {
  server.serveFile('/app', BYTES, { breakAfter: 1_000_000 })
  const limits = { backOffMs: 1, backOffMaxMs: 2, idleTimeoutMs: 2_000, downloadAttempts: 1 }
  expect((await fetchAll({ limits })).state).toMatchObject({ kind: 'failed', code: expect.stringMatching(/download-/) })
  const { size } = await stat(join(directory, 'update/download.part'))
  expect(size).toBeGreaterThan(0)
  server.serveFile('/app', BYTES)
  expect((await fetchAll()).state.kind).toBe('ready')
  expect(server.requests.at(-1)?.range).toBe(`bytes=${size}-`)
})

describe('a server that is against it', () => {
  const limits = { backOffMs: 1, backOffMaxMs: 2, idleTimeoutMs: 100 }
  afterEach(() => expect(handedOver).toEqual([]))

  test('sends without end', async () => {
    server.answerWith('/app', (_request, response) => {
      response.writeHead(200)
      const chunk = Buffer.alloc(64 * 1024)
      const send = () => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', send)
      }
      send()
    })
    expect((await fetchAll({ limits })).state).toMatchObject({ kind: 'failed', code: 'download-too-large' })
    await expect(stat(join(directory, 'update/download.part'))).rejects.toThrow('ENOENT')
  })

  test('sends nothing', async () => {
    server.answerWith('/app', () => {})
    expect((await fetchAll({ limits })).state).toMatchObject({ kind: 'failed', code: 'download-timeout' })
    expect(server.requests.filter(({ path }) => path === '/app')).toHaveLength(4)
  })

  test('says a length and sends less', async () => {
    server.answerWith('/app', (_request, response) => {
      response.writeHead(200, { 'content-length': BYTES.length, etag: '"v1"' })
      response.write('short', () => response.destroy())
    })
    expect((await fetchAll({ limits })).state).toMatchObject({ kind: 'failed', code: 'download-failed' })
  })

  test('says another length', async () => {
    server.answerWith('/app', (_request, response) => {
      response.writeHead(200, { 'content-length': BYTES.length + 1 }).end(Buffer.alloc(BYTES.length + 1))
    })
    expect((await fetchAll({ limits })).state).toMatchObject({ kind: 'failed', code: 'download-too-large' })
  })

  test('changes the file between two ranges, under the same ETag', async () => {
    let count = 0
    const other = randomBytes(BYTES.length)
    server.answerWith('/app', (request, response) => {
      count += 1
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
      const bytes = count === 1 ? other : BYTES
      const range = `bytes ${from}-${BYTES.length - 1}/${BYTES.length}`
      response.writeHead(from > 0 ? 206 : 200, { etag: '"v1"', ...(from > 0 && { 'content-range': range }) })
      if (count > 1) return void response.end(bytes.subarray(from))
      response.write(bytes.subarray(0, 1_000_000), () => response.destroy())
    })
    expect((await fetchAll({ limits })).state.kind).toBe('ready')
    expect(server.requests.at(-1)?.range).toBeUndefined()
  })

  test('has another file', async () => {
    server.serveFile('/app', randomBytes(BYTES.length))
    const { made, state } = await fetchAll({ limits })
    expect(state).toMatchObject({ kind: 'failed', code: 'hash-mismatch' })
    await made.install()
    await expect(stat(join(directory, 'update/download.part'))).rejects.toThrow('ENOENT')
  })

  test('sends on to an address in the clear', async () => {
    server.answerWith('/app', (_request, response) => {
      response.writeHead(302, { location: 'http://192.0.2.1/app' }).end()
    })
    expect((await fetchAll({ limits })).state).toMatchObject({ kind: 'failed', code: 'insecure-url' })
  })
})

test('a redirect to a mirror is followed', async () => {
  server.serveFile('/mirror', BYTES)
  server.answerWith('/app', (_request, response) => {
    response.writeHead(302, { location: '/mirror' }).end()
  })
  expect((await fetchAll()).state.kind).toBe('ready')
})

describe('the part on a real disk', () => {
  test('has its name in one step, and none again', async () => {
    const part = createNodePart(join(directory, 'part'))
    expect(await part.sizeBytes()).toBeUndefined()
    expect(await part.readNote()).toBeUndefined()
    expect(await part.freeBytes?.()).toBeGreaterThan(0)
    await part.discard()
    await part.writeNote('a note')
    await part.append(0, new TextEncoder().encode('hello, world'))
    await part.append(5, new TextEncoder().encode('!'))
    await part.sync()
    expect(new TextDecoder().decode(await part.read(0, 100))).toBe('hello!')
    const path = await part.reveal('a.apk')
    expect(await readFile(path, 'utf8')).toBe('hello!')
    expect(await part.sizeBytes()).toBeUndefined()
    await part.conceal('b.apk')
    await part.conceal('../note.json')
    expect(await part.sizeBytes()).toBeUndefined()
    await part.conceal('a.apk')
    expect(await part.sizeBytes()).toBe(6)
    expect(await part.readNote()).toBe('a note')
    await part.discard()
    expect(await part.sizeBytes()).toBeUndefined()
    expect(await part.readNote()).toBeUndefined()
  })
})

describe('the installer', () => {
  const file = (format: string) => ({
    path: `/x/app.${format}`,
    fileName: `app.${format}`,
    format,
    version: '1.1.0',
    sha256: '',
    sizeBytes: 1,
  })

  test.each([
    ['win32', 'exe', ['/x/app.exe']],
    ['win32', 'msi', ['msiexec', '/i', '/x/app.msi']],
    ['win32', 'msix', ['explorer.exe', '/x/app.msix']],
    ['darwin', 'dmg', ['open', '/x/app.dmg']],
    ['darwin', 'pkg', ['open', '/x/app.pkg']],
    ['linux', 'deb', ['xdg-open', '/x/app.deb']],
  ] as const)('on %s opens %s', async (platform, format, expected) => {
    const started: string[][] = []
    const start = async (command: string, args: readonly string[]) => void started.push([command, ...args])
    await createNodeInstaller({ platform, start }).handOver(file(format))
    expect(started).toEqual([expected])
  })

  test.skipIf(process.platform === 'win32')('starts a program that may not be started yet', async () => {
    const path = join(directory, 'app.AppImage')
    await writeFile(path, `#!/bin/sh\necho started > "${directory}/started"\n`)
    await createNodeInstaller().handOver({ ...file('appimage'), path })
    await expect.poll(() => readFile(join(directory, 'started'), 'utf8').catch(() => '')).toBe('started\n')
  })

  test('says when there is nothing to start', async () => {
    await expect(createNodeInstaller().handOver({ ...file('exe'), path: join(directory, 'none.exe') })).rejects.toThrow(
      'ENOENT',
    )
  })
})

test('this machine has words in the contract', () => {
  expect(thisMachine()).toEqual({
    platform: expect.stringMatching(/^(linux|macos|windows)$/),
    architecture: expect.stringMatching(/^(x86_64|arm64|x86|arm)$/),
  })
})
