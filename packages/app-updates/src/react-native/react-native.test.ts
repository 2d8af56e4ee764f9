import { createHash, randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createNodeSha256 } from '@hotpatch/device-ground/node'
import { startFileServer, type FileServer } from '../testing/file-server.ts'
import { createMemoryPart } from '../testing/memory-part.ts'
import { createAppUpdater } from '../updater/updater.ts'
import { createReactNativeHost, type Fetch } from './index.ts'

const BYTES = randomBytes(5_000_000)

let server: FileServer
beforeEach(async () => {
  server = await startFileServer()
  server.serveJson('/api/updates/check', {
    update_available: true,
    latest_version: '1.1.0+2',
    download_url: `${server.url}/app.apk`,
    file_size: BYTES.length,
    checksum: createHash('sha256').update(BYTES).digest('hex'),
  })
})
afterEach(() => server.stop())

/** The platform's fetch, which holds whole bodies in memory as React Native's does. */
const held: number[] = []
const heldFetch: Fetch = async (url, init) => {
  const answer = await fetch(url, init as RequestInit)
  return {
    status: answer.status,
    url: answer.url,
    headers: answer.headers,
    async arrayBuffer() {
      const bytes = await answer.arrayBuffer()
      held.push(bytes.byteLength)
      return bytes
    },
  }
}

function updaterOver(part = createMemoryPart()) {
  held.length = 0
  const handedOver: string[] = []
  const installer = { handOver: async ({ path }: { path: string }) => void handedOver.push(path) }
  const host = createReactNativeHost({ fetch: heldFetch, part, sha256: createNodeSha256, installer })
  const updater = createAppUpdater(host, {
    serverUrl: server.url,
    platform: 'android',
    installedVersion: '1.0.0+1',
    allowInsecure: 'loopback',
    limits: { backOffMs: 1, backOffMaxMs: 2 },
  })
  return { updater, part, handedOver }
}

test('a big file comes in pieces that fit into memory', async () => {
  server.serveFile('/app.apk', BYTES)
  const { updater, part, handedOver } = updaterOver()
  await updater.check()
  expect((await updater.download()).kind).toBe('ready')
  expect(part.bytes()).toEqual(new Uint8Array(BYTES))
  expect(Math.max(...held)).toBe(2 * 1024 * 1024)
  expect((await updater.install()).kind).toBe('handed-over')
  expect(handedOver).toEqual(['/memory/update-1.1.0+2.apk'])
})

test('a server without ranges is not read into memory', async () => {
  server.answerWith('/app.apk', (_request, response) => {
    response.writeHead(200, { 'content-length': BYTES.length }).end(BYTES)
  })
  const { updater } = updaterOver()
  await updater.check()
  expect(await updater.download()).toMatchObject({
    kind: 'failed',
    code: 'download-failed',
    message: expect.stringMatching(/no ranges/),
  })
  expect(Math.max(...held)).toBeLessThan(1_000)
})
