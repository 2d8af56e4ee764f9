import { createPublicKey, verify } from 'node:crypto'
import { cp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { App, EdgeOfApp, Explanation } from '@hotpatch/api'
import {
  readEdgeCatalog,
  readEdgeEnvelope,
  readEdgeKeyDocument,
  readEdgePointer,
  writeEdgeKeyDocument,
  type EdgeKey,
} from '@hotpatch/protocol'
import {
  fixedClock,
  newSigningKey,
  problemOf,
  sha256Of,
  signRelease,
  startTestServer,
  temporaryDirectory,
  zipOf,
  type TestServer,
  type TestSigningKey,
} from '@hotpatch/testkit'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'

const HOUR_MS = 3_600_000
const BUNDLE = await zipOf({ 'index.android.bundle': 'console.log(1)' })

let clock: ReturnType<typeof fixedClock>
let server: TestServer
let app: App
let key: TestSigningKey

beforeEach(async () => {
  clock = fixedClock()
  server = await startTestServer({ clock })
  onTestFinished(() => server.close())
  app = await server.createTestApp()
  key = newSigningKey()
  await server.request('POST', `/manage/v1/apps/${app.slug}/keys`, { body: { publicKey: key.publicKey } })
})

function edgeOf(slug = app.slug) {
  return server.request('GET', `/manage/v1/apps/${slug}/edge`)
}

async function addServerKey(): Promise<string> {
  const { body } = await server.request('POST', `/manage/v1/apps/${app.slug}/edge/keys`)
  return (body as EdgeOfApp).serverKeys.at(-1)?.publicKey ?? ''
}

function signKeys(
  version: number,
  keys: readonly EdgeKey[],
  { by = key, appId = app.id, createdAt = '2027-01-01T00:00:00.000Z' } = {},
) {
  const text = writeEdgeKeyDocument({ appId, version, keys, createdAt })
  const body = { document: Buffer.from(text).toString('base64'), signature: by.sign(Buffer.from(text)) }
  return server.request('PUT', `/manage/v1/apps/${app.slug}/edge/key-document`, { body })
}

const lasting = (publicKey: string): EdgeKey => ({ publicKey, notAfter: '2027-12-31T00:00:00.000Z' })

async function enable(): Promise<string> {
  const publicKey = await addServerKey()
  expect((await signKeys(1, [lasting(publicKey)])).status).toBe(200)
  return publicKey
}

let sequence = 0
async function publish(version: string, more: Record<string, unknown> = {}) {
  sequence += 1
  const signed = { appId: app.id, platform: 'android' as const, version, sequence, bundle: BUNDLE }
  const { publicKey: _, ...signatures } = signRelease(key, signed)
  return server.published(app, { bundle: BUNDLE, version, signatures, ...more })
}

beforeEach(() => {
  sequence = 0
})

async function fetchPublic(path: string, headers: Record<string, string> = {}) {
  return server.request('GET', path, { token: null, headers })
}

async function readPointer(channel = 'production') {
  const { body } = await fetchPublic(`/edge/v1/${app.id}/android/${channel}/latest.json`)
  const envelope = readEdgeEnvelope(JSON.stringify(body))
  const bytes = Buffer.from(envelope.payload, 'base64')
  return { bytes, signature: envelope.signatures[0] ?? '', pointer: readEdgePointer(bytes.toString()) }
}

async function readCatalog(sha256: string) {
  const { body } = await fetchPublic(`/edge/v1/${app.id}/catalogs/${sha256}.json`)
  return readEdgeCatalog(JSON.stringify(body))
}

function isSigned(publicKey: string, bytes: Uint8Array, signature: string): boolean {
  const prefix = Buffer.from('302a300506032b6570032100', 'hex')
  const der = Buffer.concat([prefix, Buffer.from(publicKey, 'base64')])
  const spki = createPublicKey({ key: der, format: 'der', type: 'spki' })
  return verify(null, bytes, spki, Buffer.from(signature, 'base64'))
}

describe('what is said at the edge', () => {
  test('is nothing before a publisher has signed for a key of the server', async () => {
    await publish('1.0.0')
    await server.tick()
    expect((await edgeOf()).body).toEqual({ serverKeys: [], keyDocument: null, catalogs: [] })
    const answer = await fetchPublic(`/edge/v1/${app.id}/android/production/latest.json`)
    expect(problemOf(answer)).toBe('404 not-found')
    await addServerKey()
    await server.tick()
    expect((await edgeOf()).body.catalogs).toEqual([])
  })

  test('is signed by the key that the document names, and leads to the catalog by its digest', async () => {
    const { releaseId } = await publish('1.0.0')
    const publicKey = await enable()
    const { bytes, signature, pointer } = await readPointer()
    expect(isSigned(publicKey, bytes, signature)).toBe(true)
    expect(pointer).toMatchObject({ appId: app.id, platform: 'android', channel: 'production', keysVersion: 1 })
    expect(Date.parse(pointer.expiresAt) - Date.parse(pointer.issuedAt)).toBe(6 * HOUR_MS)
    const catalog = await readCatalog(pointer.catalog.sha256)
    expect(catalog.releases[0]?.offer).toMatchObject({ sha256: sha256Of(BUNDLE), sizeBytes: BUNDLE.length })
    expect(catalog.rollouts).toMatchObject([{ kind: 'open', target: releaseId, state: 'active' }])
  })

  test('lies as files beside the artifacts, the very same bytes', async () => {
    await publish('1.0.0')
    await enable()
    const names = [`edge/v1/${app.id}/android/production/latest.json`, `edge/v1/${app.id}/keys.json`]
    for (const name of names) {
      const text = await readFile(join(server.directory, 'public', name), 'utf8')
      expect(JSON.parse(text)).toEqual((await fetchPublic(`/${name}`)).body)
    }
    const { pointer } = await readPointer()
    const { sha256, sizeBytes } = pointer.catalog
    const catalog = await readFile(join(server.directory, 'public', `edge/v1/${app.id}/catalogs/${sha256}.json`))
    expect([sha256Of(catalog), catalog.length]).toEqual([sha256, sizeBytes])
  })

  test('follows what is published, and each word is above the one before', async () => {
    await publish('1.0.0')
    await enable()
    const first = (await readPointer()).pointer
    const { releaseId } = await publish('1.1.0')
    await server.tick()
    clock.advance(3_000)
    const second = (await readPointer()).pointer
    expect(second.generation).toBeGreaterThan(first.generation)
    expect((await readCatalog(second.catalog.sha256)).rollouts[0]).toMatchObject({ target: releaseId })
    // Whoever has read the one before still finds what it names.
    expect((await readCatalog(first.catalog.sha256)).rollouts).toHaveLength(1)
  })

  test('is said anew long before it ends, and not at every round', async () => {
    await publish('1.0.0')
    await enable()
    const first = (await readPointer()).pointer
    clock.advance(HOUR_MS)
    await server.tick()
    expect((await readPointer()).pointer).toEqual(first)
    clock.advance(HOUR_MS)
    await server.tick()
    clock.advance(3_000)
    const second = (await readPointer()).pointer
    expect(second.catalog).toEqual(first.catalog)
    expect(second.generation).toBeGreaterThan(first.generation)
    expect(Date.parse(second.expiresAt)).toBeGreaterThan(Date.parse(first.expiresAt))
  })

  test('is said anew when the clock by which it was said had been ahead', async () => {
    await publish('1.0.0')
    await enable()
    const monthMs = 30 * 24 * HOUR_MS
    const path = join(server.directory, 'public', `edge/v1/${app.id}/android/production/latest.json`)
    const read = async () => {
      const { payload } = readEdgeEnvelope(await readFile(path, 'utf8'))
      return readEdgePointer(Buffer.from(payload, 'base64').toString())
    }
    clock.advance(monthMs)
    await server.tick()
    const ahead = await read()
    expect(Date.parse(ahead.issuedAt)).toBe(clock.now())
    clock.advance(-monthMs)
    await server.tick()
    const right = await read()
    expect(Date.parse(right.issuedAt)).toBe(clock.now())
    expect(right.generation).toBe(ahead.generation + 1)
    await server.tick()
    expect(await read()).toEqual(right)
  })

  test('says what begins when it begins, and not a moment before', async () => {
    await publish('1.0.0')
    const startsAt = new Date(clock.now() + 60_000).toISOString()
    const { releaseId } = await publish('1.1.0', { startsAt })
    await enable()
    const before = await readCatalog((await readPointer()).pointer.catalog.sha256)
    expect(JSON.stringify(before)).not.toContain(releaseId)
    clock.advance(60_000)
    await server.tick()
    const after = await readCatalog((await readPointer()).pointer.catalog.sha256)
    expect(after.rollouts[0]).toMatchObject({ target: releaseId })
  })

  test('never goes back, though the database does', async () => {
    await publish('1.0.0')
    await enable()
    const first = (await readPointer()).pointer
    clock.advance(60_000)
    // As from a backup that knows of no pointer.
    await signKeys(2, [])
    const [publicKey = ''] = ((await edgeOf()).body as EdgeOfApp).serverKeys.map((each) => each.publicKey)
    await signKeys(3, [lasting(publicKey)])
    clock.advance(3_000)
    expect((await readPointer()).pointer.generation).toBeGreaterThan(first.generation)
  })

  test('is said anew by a server that starts on a backup, whose own word devices would take for old', async () => {
    const [data, backup] = [await temporaryDirectory(), await temporaryDirectory()]
    const startOn = async (HOTPATCH_DATA: string) => {
      server = await startTestServer({ clock, onFile: true, env: { HOTPATCH_DATA } })
      onTestFinished(server.close)
    }
    await startOn(data)
    app = await server.createTestApp()
    await server.request('POST', `/manage/v1/apps/${app.slug}/keys`, { body: { publicKey: key.publicKey } })
    await publish('1.0.0')
    await enable()
    await server.close()
    await cp(data, backup, { recursive: true })
    await rm(join(backup, 'public'), { recursive: true })
    await startOn(data)
    clock.advance(60_000)
    await server.tick()
    const believed = (await readPointer()).pointer
    await server.close()
    clock.advance(60_000)
    await startOn(backup)
    await server.tick()
    const said = (await readPointer()).pointer
    expect(said.generation).toBeGreaterThan(believed.generation)
    expect(await readdir(join(backup, 'public/edge/v1', app.id, 'android/production'))).toEqual(['latest.json'])
    await server.tick()
    clock.advance(3_000)
    expect((await readPointer()).pointer).toEqual(said)
  })

  test('names no device and no cohort: such a rollout is for the server to judge, and people see why', async () => {
    await publish('1.0.0')
    const { rolloutId } = await publish('1.1.0', { devices: ['device-7'], percentage: 0 })
    await enable()
    const { body } = await fetchPublic(
      `/edge/v1/${app.id}/catalogs/${(await readPointer()).pointer.catalog.sha256}.json`,
    )
    expect(JSON.stringify(body)).not.toContain('device-7')
    expect(body.rollouts[0]).toEqual({ kind: 'asks-server', position: expect.any(Number), mandatory: false })
    const { catalogs } = (await edgeOf()).body as EdgeOfApp
    expect(catalogs[0]?.asksServer).toEqual([{ rolloutId, reason: 'names-devices' }])
  })

  test('says so to whoever asks what a device gets, and why', async () => {
    const ask = async (device: string) => {
      const path = `/manage/v1/apps/${app.slug}/devices/${device}/explain?platform=android`
      const { body } = await server.request('GET', path)
      return (body as Explanation).notices
    }
    await publish('1.0.0', { devices: ['device-8'], percentage: 0 })
    await publish('1.1.0')
    await publish('1.2.0', { devices: ['device-7'], percentage: 0 })
    expect(await ask('device-1')).toEqual([])
    await enable()
    // The lowest one is below the one that decides.
    const explanation = expect.stringMatching(/^Rollout \d+ of 1\.2\.0 is off the edge: it names devices/)
    expect(await ask('device-1')).toEqual([{ kind: 'off-the-edge', explanation }])
    expect(await ask('device-7')).toEqual([{ kind: 'off-the-edge', explanation }])
  })

  test('of an app with hashed device ids has no percentages', async () => {
    const hashed = await server.createTestApp({ deviceIds: 'hashed' })
    app = hashed
    await server.request('POST', `/manage/v1/apps/${app.slug}/keys`, { body: { publicKey: key.publicKey } })
    await publish('1.0.0', { percentage: 50 })
    await enable()
    const { catalogs } = (await edgeOf()).body as EdgeOfApp
    expect(catalogs[0]?.asksServer).toMatchObject([{ reason: 'hashed-device-ids' }])
  })
})

describe('the keys', () => {
  test('are taken of a publisher alone', async () => {
    const publicKey = await addServerKey()
    const stranger = await signKeys(1, [lasting(publicKey)], { by: newSigningKey() })
    expect(problemOf(stranger)).toBe('422 signature-invalid')
    expect((stranger.body as { detail: string }).detail).toContain(
      'with its first signed release, or by "hotpatch keys add"',
    )
  })

  test('are the server’s own, of this app, and one version after the other', async () => {
    const publicKey = await addServerKey()
    expect(problemOf(await signKeys(1, [lasting(newSigningKey().publicKey)]))).toBe('422 statement-invalid')
    expect(problemOf(await signKeys(1, [lasting(publicKey)], { appId: 'another' }))).toBe('422 statement-invalid')
    expect(problemOf(await signKeys(2, [lasting(publicKey)]))).toBe('422 statement-invalid')
    // Devices would believe nothing until then.
    const early = await signKeys(1, [lasting(publicKey)], { createdAt: '2027-01-02T00:00:00.000Z' })
    expect(early).toMatchObject({ status: 422, body: { detail: expect.stringContaining('Set the clock') as string } })
    expect((await signKeys(1, [lasting(publicKey)])).status).toBe(200)
    expect(problemOf(await signKeys(1, [lasting(publicKey)]))).toBe('422 statement-invalid')
  })

  test('change: the newest that is named speaks, and what it says names the new document', async () => {
    await publish('1.0.0')
    const first = await enable()
    const second = await addServerKey()
    const before = await readPointer()
    expect(isSigned(first, before.bytes, before.signature)).toBe(true)
    await signKeys(2, [lasting(second)])
    clock.advance(3_000)
    const after = await readPointer()
    expect(isSigned(second, after.bytes, after.signature)).toBe(true)
    expect(after.pointer.keysVersion).toBe(2)
    const { body } = await fetchPublic(`/edge/v1/${app.id}/keys.json`)
    const { payload } = readEdgeEnvelope(JSON.stringify(body))
    expect(readEdgeKeyDocument(Buffer.from(payload, 'base64').toString()).version).toBe(2)
  })

  test('without one there is no edge any more', async () => {
    await publish('1.0.0')
    await enable()
    await signKeys(2, [])
    clock.advance(3_000)
    await server.tick()
    expect((await edgeOf()).body.catalogs).toEqual([])
    expect((await fetchPublic(`/edge/v1/${app.id}/android/production/latest.json`)).status).toBe(404)
    expect((await fetchPublic(`/edge/v1/${app.id}/keys.json`)).status).toBe(200)
  })

  test('go with an app that was never used', async () => {
    await enable()
    expect((await server.request('DELETE', `/manage/v1/apps/${app.slug}`)).status).toBeLessThan(300)
    clock.advance(3_000)
    expect((await fetchPublic(`/edge/v1/${app.id}/keys.json`)).status).toBe(404)
  })

  test('of a reader are not to be changed, and no private half leaves the server', async () => {
    const token = await server.createToken({ role: 'reader' })
    const asked = await server.request('POST', `/manage/v1/apps/${app.slug}/edge/keys`, { token })
    expect(asked.status).toBe(403)
    await enable()
    expect(JSON.stringify((await edgeOf()).body)).not.toMatch(/private|BEGIN|eyJ/i)
  })
})

describe('caches', () => {
  test('are told how long each is good, and find out whether it changed', async () => {
    await publish('1.0.0')
    await enable()
    const { pointer } = await readPointer()
    const paths = {
      [`/edge/v1/${app.id}/android/production/latest.json`]: /^public, max-age=10, .*stale-if-error=86400$/,
      [`/edge/v1/${app.id}/keys.json`]: /^public, max-age=60, /,
      [`/edge/v1/${app.id}/catalogs/${pointer.catalog.sha256}.json`]: /^public, max-age=31536000, immutable$/,
    }
    for (const [path, cacheControl] of Object.entries(paths)) {
      const { headers, status } = await fetchPublic(path)
      expect(status).toBe(200)
      expect(headers['cache-control']).toMatch(cacheControl)
      const again = await fetchPublic(path, { 'if-none-match': String(headers.etag) })
      expect([again.status, again.body]).toEqual([304, ''])
    }
  })

  test('keep nothing of what is not there', async () => {
    for (const path of ['nowhere/android/production/latest.json', 'nowhere/keys.json', 'nowhere/catalogs/x.json']) {
      const { status, headers } = await fetchPublic(`/edge/v1/${path}`)
      expect([status, headers['cache-control']]).toEqual([404, 'no-store'])
    }
  })
})
