import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { App, EdgeOfApp } from '@hotpatch/api'
import { createNodeEngine, systemClock } from '@hotpatch/client/node'
import { readEdgeEnvelope, readEdgePointer, writeEdgeKeyDocument } from '@hotpatch/protocol'
import {
  bundleOf,
  eventually,
  newSigningKey,
  publishForm,
  signRelease,
  startServerProcess,
  makeTemporaryDirectory,
  type ServerProcess,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { copyEdge, pointerIn, startEdgeMirror, type EdgeMirror } from './edge-mirror.ts'

/**
 * The whole way of an edge: a real server publishes, its files are copied to a web server that knows nothing of HotPatch,
 * and devices update while the server does not run at all.
 */
const key = newSigningKey()
const HOUR_MS = 3_600_000
let directory: string
let mirror: EdgeMirror
let server: ServerProcess
let app: App

beforeAll(async () => {
  directory = await makeTemporaryDirectory()
  server = await start()
  app = (await call('POST', '/manage/v1/apps', { slug: 'shop', deviceIds: 'as-given' })) as App
  await call('POST', '/manage/v1/apps/shop/keys', { publicKey: key.publicKey })
  mirror = await startEdgeMirror(join(directory, 'mirror'))
})
afterAll(async () => {
  await server.stop()
  await mirror.close()
  await rm(directory, { recursive: true, force: true })
})

const start = () =>
  startServerProcess({ directory: join(directory, 'data'), env: { HOTPATCH_AUTOMATION_SECONDS: '1' } })

async function call(method: string, path: string, body?: unknown): Promise<unknown> {
  const isForm = body instanceof FormData
  const response = await fetch(server.url + path, {
    method,
    headers: {
      authorization: `Bearer ${server.ownerToken}`,
      ...(body !== undefined && !isForm && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  expect(response.ok, text).toBe(true)
  return JSON.parse(text)
}

async function publish(version: string, sequence: number): Promise<string> {
  const bundle = await bundleOf(version)
  const { publicKey: _, ...signatures } = signRelease(key, {
    appId: app.id,
    platform: 'android',
    version,
    sequence,
    bundle,
  })
  const form = publishForm({ platform: 'android', version }, bundle, signatures)
  return ((await call('POST', '/manage/v1/apps/shop/releases', form)) as { releaseId: string }).releaseId
}

async function enable(): Promise<void> {
  const { serverKeys } = (await call('POST', '/manage/v1/apps/shop/edge/keys')) as EdgeOfApp
  const createdAt = new Date()
  const notAfter = new Date(createdAt.getTime() + 300 * 24 * HOUR_MS).toISOString()
  const keys = serverKeys.map(({ publicKey }) => ({ publicKey, notAfter }))
  const text = writeEdgeKeyDocument({ appId: app.id, version: 1, keys, createdAt: createdAt.toISOString() })
  const body = { document: Buffer.from(text).toString('base64'), signature: key.sign(Buffer.from(text)) }
  await call('PUT', '/manage/v1/apps/shop/edge/key-document', body)
}

/** Waits until the server has said something newer, and copies what lies beside its artifacts. */
async function copyToMirror(after: string | undefined): Promise<string> {
  const data = join(directory, 'data')
  const path = pointerIn(data, app.id, 'production')
  const said = await eventually(async () => {
    const found = await readFile(path, 'utf8')
    expect(catalogOf(found)).not.toBe(after && catalogOf(after))
    return found
  })
  await copyEdge(data, mirror.root)
  return said
}

function catalogOf(envelope: string): string {
  const { payload } = readEdgeEnvelope(envelope)
  return readEdgePointer(Buffer.from(payload, 'base64').toString()).catalog.sha256
}

/** A phone: its folder outlives its starts, and nothing of the server's address is in it. */
function createPhone(name: string) {
  const clock = systemClock()
  let setByMs = 0
  const boot = async () => {
    const engine = createNodeEngine({
      directory: join(directory, name),
      host: { nativeVersion: '1.0', platform: 'android' },
      ports: { clock: { ...clock, now: () => clock.now() + setByMs } },
      serverUrl: '',
      edge: { url: mirror.url },
      appId: app.id,
      deviceId: name,
      channel: 'production',
      publicKeys: [key.publicKey],
      allowInsecure: 'loopback',
    })
    const launched = await engine.start()
    await engine.confirm()
    return { engine, runs: launched.kind === 'embedded' ? 'embedded' : launched.version }
  }
  async function sync() {
    const { engine } = await boot()
    const outcome = await engine.sync()
    return outcome.kind === 'failed' ? outcome.code : outcome.kind
  }
  return { sync, runs: async () => (await boot()).runs, setClock: (byMs: number) => void (setByMs = byMs) }
}

test('devices update, go back and find out that they are frozen, with no server in the path', async () => {
  const first = await publish('1.0.0', 1)
  await publish('1.1.0', 2)
  await enable()
  const said = await copyToMirror(undefined)
  await server.stop()

  const phone = createPhone('phone-1')
  expect(await phone.runs()).toBe('embedded')
  expect(await phone.sync()).toBe('staged')
  expect(await phone.runs()).toBe('1.1.0')
  expect(await phone.sync()).toBe('up-to-date')
  expect(mirror.asked.filter((path) => path.startsWith('/artifacts/'))).toHaveLength(1)

  // The publisher goes back: the server runs for as long as that takes.
  server = await start()
  const bundle = await bundleOf('1.0.0')
  const again = signRelease(key, { appId: app.id, platform: 'android', version: '1.0.0', sequence: 3, bundle })
  await call('POST', '/manage/v1/apps/shop/rollbacks', {
    platform: 'android',
    channel: 'production',
    to: { releaseId: first },
    statement: again.statement,
    statementSignature: again.statementSignature,
  })
  await copyToMirror(said)
  await server.stop()
  expect(await phone.sync()).toBe('staged')
  expect(await phone.runs()).toBe('1.0.0')

  // A mirror that shows what was before: neither those who have heard of the roll-back nor new installations are hurt.
  phone.setClock(7 * HOUR_MS)
  expect(await phone.sync()).toBe('catalog-expired')
  expect(await phone.runs()).toBe('1.0.0')
  const latest = join(mirror.root, 'edge', 'v1', app.id, 'android', 'production', 'latest.json')
  const newest = await readFile(latest, 'utf8')
  await writeFile(latest, said)
  phone.setClock(0)
  expect(await phone.sync()).toBe('catalog-too-old')
  await writeFile(latest, newest)
  expect(await phone.sync()).toBe('up-to-date')

  // What somebody else has put there is nothing that it takes.
  await writeFile(latest, newest.replace(/"payload":"(..)/, '"payload":"AA'))
  expect(await phone.sync()).toBe('signature-invalid')
  server = await start()
})
