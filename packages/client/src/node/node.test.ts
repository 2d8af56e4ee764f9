import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MARKER } from '../state/storage-layout.ts'
import { APP_ID, createPublisher } from '../testing/publisher.ts'
import { createNodeCrypto, createNodeEngine, createNodeFiles, createNodeHttp } from './index.ts'

let directory: string
let server: Server
let origin: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hotpatch-client-'))
  server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await rm(directory, { recursive: true })
})

describe('the engine on Node', () => {
  const publisher = createPublisher()
  // Large enough to be written, and to be interrupted, in several steps.
  const files = { 'index.bundle': 'console.log(1)', 'assets/noise.txt': randomBytes(1_500_000).toString('base64') }
  const release = publisher.publish({ version: '1.0.0', sequence: 1, files })

  test('one full pass over a real network and disk, with a connection that is reset', async () => {
    const ranges: (string | undefined)[] = []
    const kinds: string[] = []
    let interrupt = () => {}
    const answer = async (request: IncomingMessage, response: ServerResponse) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const json = () => JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
      if (request.url === '/update/check') {
        response.end(JSON.stringify(json().releaseId ? upToDate : offer(origin)))
      } else if (request.url === '/events') {
        kinds.push(...(json().events as { kind: string }[]).map(({ kind }) => kind))
        response.end('{"accepted":1,"rejected":[]}')
      } else {
        ranges.push(request.headers.range)
        const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0)
        const total = release.bundle.length
        response.setHeader('etag', `"${release.sha256}"`)
        response.setHeader('content-length', total - from)
        if (from > 0) response.writeHead(206, { 'content-range': `bytes ${from}-${total - 1}/${total}` })
        if (from > 0) response.end(release.bundle.subarray(from))
        else response.write(release.bundle.subarray(0, total >> 1))
        interrupt = () => {
          if (from === 0) request.socket.destroy()
        }
      }
    }
    server.on('request', (request, response) => void answer(request, response))

    const boot = async () => {
      const engine = createNodeEngine({
        directory,
        serverUrl: origin,
        allowInsecure: 'loopback',
        appKey: 'key',
        appId: APP_ID,
        deviceId: 'device-1',
        channel: 'production',
        publicKeys: [publisher.publicKey],
        limits: { backOffMs: 1 },
        host: { nativeVersion: '1.0', platform: 'android' },
      })
      return { engine, launched: await engine.start() }
    }

    const first = await boot()
    expect(first.launched).toEqual({ kind: 'embedded' })
    // The connection goes once some of the bundle has arrived.
    first.engine.subscribe((event) => {
      if (event.type === 'progress') interrupt()
    })
    expect(await first.engine.sync()).toMatchObject({ kind: 'staged', version: '1.0.0' })
    expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)])

    const second = await boot()
    expect(second.launched).toMatchObject({
      kind: 'release',
      directory: join(directory, 'ota/bundle'),
      version: '1.0.0',
    })
    expect(await second.engine.confirm()).toBe(true)
    expect(await second.engine.sync()).toMatchObject({ kind: 'up-to-date' })
    for (const [path, text] of Object.entries(files)) {
      expect(await readFile(join(directory, 'ota/bundle', path), 'utf8')).toBe(text)
    }
    expect(await readdir(join(directory, 'ota/bundle'))).toEqual([MARKER, 'assets', 'index.bundle'])
    expect((await boot()).engine.status()).toMatchObject({ standing: 'confirmed', highWater: 1 })
    expect(kinds).toEqual(['download-started', 'downloaded', 'applied', 'confirmed'])
  })

  const upToDate = { updateAvailable: false, reason: 'runs-the-target' }
  const offer = (base: string) => ({
    updateAvailable: true,
    bundleUrl: `${base}/artifacts/${release.sha256}`,
    hash: release.sha256,
    signature: release.signature,
    mandatory: false,
    version: release.version,
    releaseId: release.releaseId,
    sizeBytes: release.bundle.length,
    direction: 'forward',
    statement: release.statement,
    statementSignature: release.statementSignature,
  })
})

describe('the files port on Node', () => {
  test('does what the engine expects of it', async () => {
    const files = createNodeFiles(join(directory, 'private'))
    expect(await files.read('ota/a')).toBeUndefined()
    expect(await files.stat('ota/a')).toBeUndefined()
    await files.makeDirectory('ota/deep')
    await files.makeDirectory('ota/deep')
    await files.syncDirectory('')
    await files.write('ota/a', Uint8Array.of(1, 2, 3))
    await files.append('ota/a', 2, Uint8Array.of(9, 9))
    await files.append('ota/new', 0, Uint8Array.of(7))
    await files.sync('ota/new')
    expect(await files.read('ota/a')).toEqual(Buffer.of(1, 2, 9, 9))
    expect(await files.readRange('ota/a', 1, 2)).toEqual(Uint8Array.of(2, 9))
    expect(await files.readRange('ota/a', 3, 9)).toEqual(Uint8Array.of(9))
    await files.append('ota/a', 1, Uint8Array.of(5))
    expect(await files.stat('ota/a')).toEqual({ kind: 'file', sizeBytes: 2 })
    await files.rename('ota/a', 'ota/new')
    expect(await files.read('ota/new')).toEqual(Buffer.of(1, 5))
    await files.remove('ota')
    await files.remove('ota')
    expect(await files.stat('ota')).toBeUndefined()
    expect(await files.freeBytes?.()).toBeGreaterThan(0)
  })
})

describe('the HTTP port on Node', () => {
  test('follows no redirect, and an abort ends it', async () => {
    server.on('request', (request, response) => {
      if (request.url === '/redirect') response.writeHead(302, { location: '/elsewhere' }).end()
      else response.write('and then nothing')
    })
    const http = createNodeHttp()
    const redirect = await http.open({ method: 'GET', url: `${origin}/redirect`, headers: {} }).response
    expect(redirect).toMatchObject({ status: 302, headers: { location: '/elsewhere' } })
    const silent = http.open({ method: 'GET', url: `${origin}/silent`, headers: {} })
    const body = (await silent.response).body[Symbol.asyncIterator]()
    await body.next()
    silent.abort()
    await expect(body.next()).rejects.toThrow()
  })

  test('an address that is none rejects', async () => {
    await expect(createNodeHttp().open({ method: 'GET', url: 'https://:', headers: {} }).response).rejects.toThrow()
  })
})

describe('the crypto port on Node', () => {
  test('verifies Ed25519 with raw keys, and takes nothing else for one', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
    const message = Uint8Array.of(1, 2, 3)
    const signature = sign(null, message, privateKey)
    const { verifyEd25519 } = createNodeCrypto()
    expect(verifyEd25519(raw, message, signature)).toBe(true)
    expect(verifyEd25519(raw, Uint8Array.of(1, 2), signature)).toBe(false)
    expect(verifyEd25519(raw, message, signature.subarray(1))).toBe(false)
    expect(verifyEd25519(raw.subarray(1), message, signature)).toBe(false)
  })
})
