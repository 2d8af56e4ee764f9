import { createHmac } from 'node:crypto'
import { describeOnEveryDatabase, dumpDatabase, problemOf, startTestServer } from '@hotpatch/testkit'
import { describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'
import { createDeviceIdentity, createIdHasher, DeviceSecretError, requireSameDeviceSecret } from './device-identity.ts'

const SECRET = 'a secret of at least 32 characters'
const identity = createDeviceIdentity({ secret: SECRET })
const hashed = { id: '01970000-0000-7000-8000-000000000001', deviceIds: 'hashed' } as const
const asGiven = { ...hashed, deviceIds: 'as-given' } as const

describe('the hash of an id', () => {
  const key = createHmac('sha256', SECRET).update(hashed.id).digest()
  const idOf = createIdHasher(key)
  const byNode = (text: string) => `h_${createHmac('sha256', key).update(text).digest().toString('base64url', 0, 16)}`
  const lengths = [...Array(140).keys(), 199, 200, 341, 342, 343, 1_000, 5_000]

  test('is HMAC-SHA-256 of any text', () => {
    const hard = ['ü', '漢', '😀', '\uD800', '\uDC00x', '\0', '\u{10FFFF}'].flatMap((text) => [text, text.repeat(100)])
    for (const text of [...lengths.map((length) => 'x'.repeat(length)), ...hard, crypto.randomUUID()]) {
      expect([text, idOf(text)]).toEqual([text, byNode(text)])
    }
  })

  test('does not depend on what was hashed before', () => {
    const texts = ['a'.repeat(200), 'b', '', 'c'.repeat(900), 'd']
    for (const text of [...texts, ...texts.toReversed()]) expect(idOf(text)).toBe(byNode(text))
  })
})

test('an app that takes ids as given keeps them; a hashed one has its own id for a device', () => {
  expect(identity.storedId(asGiven, 'phone-1')).toBe('phone-1')
  const stored = identity.storedId(hashed, 'phone-1')
  expect(stored).toMatch(/^h_[\w-]{22}$/)
  expect(identity.storedId({ ...hashed, id: 'another' }, 'phone-1')).not.toBe(stored)
  expect(createDeviceIdentity({ secret: `${SECRET}!` }).storedId(hashed, 'phone-1')).not.toBe(stored)
})

test('people give either id; what a device tells is always hashed', () => {
  const stored = identity.storedId(hashed, 'phone-1')
  expect(identity.resolve(hashed, 'phone-1')).toBe(stored)
  expect(identity.resolve(hashed, stored)).toBe(stored)
  expect(identity.storedId(hashed, stored)).not.toBe(stored)
  expect(identity.resolve(asGiven, stored)).toBe(stored)
})

describeOnEveryDatabase('the device-id secret', (openDatabase) => {
  const other = createDeviceIdentity({ secret: 'another secret of 32 characters or so' })
  const claim = (db: Database, by = identity) => db.transaction().execute((tx) => by.claim(tx))

  test('belongs to the database from the first hashed app on', async () => {
    const db = await openDatabase()
    await requireSameDeviceSecret(db, identity)
    await requireSameDeviceSecret(db, other)
    await claim(db)
    await claim(db)
    await requireSameDeviceSecret(db, identity)
    await expect(requireSameDeviceSecret(db, other)).rejects.toThrow(DeviceSecretError)
    await expect(claim(db, other)).rejects.toMatchObject({ type: 'device-secret-differs' })
  })

  test('that another server has is noticed while running: no device gets a wrong id, and other apps go on', async () => {
    const db = await openDatabase()
    await other.compare(db)
    await claim(db)
    expect(await other.compare(db)).toBe(false)
    expect(() => other.storedId(hashed, 'phone-1')).toThrow('secret')
    expect(other.isAbleFor(hashed)).toBe(false)
    expect(other.storedId(asGiven, 'phone-1')).toBe('phone-1')
  })

  test('keeps a server with another one from starting', async () => {
    const database = await openDatabase()
    const first = await startTestServer({ database })
    const { status } = await first.request('POST', '/manage/v1/apps', { body: { slug: 'hashed' } })
    expect(status).toBe(201)
    const env = { HOTPATCH_DEVICE_ID_SECRET: 'not the secret of the other servers' }
    await expect(startTestServer({ database, env })).rejects.toThrow(/HOTPATCH_DEVICE_ID_SECRET/)
  })
})

const PHONE = 'f81d4fae-phone-of-somebody'

describeOnEveryDatabase('an app with hashed device ids', (openDatabase) => {
  test('knows its devices by the hash, and no raw id reaches the database, the log or the metrics', async () => {
    const database = await openDatabase()
    const log: string[] = []
    const server = await startTestServer({
      database,
      env: { HOTPATCH_LOG_LEVEL: 'debug' },
      logTo: { write: (line) => void log.push(line) },
    })
    const app = await server.createTestApp({ deviceIds: 'hashed' })
    const headers = { 'x-app-key': app.appKey }
    const device = { deviceId: PHONE, platform: 'android' }

    expect((await server.check(app, device)).status).toBe(200)
    await server.check(app, { ...device, deviceId: '' })
    const failed = { ...device, status: 'failed', version: 'embedded', code: 'download-failed' }
    expect((await server.report(app, failed)).status).toBe(200)
    const registered = await server.request('POST', '/devices', {
      body: { ...device, appId: app.id, version: '0.9.0' },
      token: null,
      headers,
    })
    expect(registered.body).toMatchObject({ registered: true, deviceId: PHONE })
    const batch = { ...device, channel: 'production', events: [{ id: 'e1', kind: 'failed', code: 'answer-invalid' }] }
    expect((await server.request('POST', '/events', { body: batch, token: null, headers })).status).toBe(200)
    await server.request('GET', `/update/check?deviceId=${PHONE}&platform=amiga&version=1`, { token: null, headers })

    const path = `/manage/v1/apps/${app.slug}/devices`
    const listed = await server.request('GET', `${path}?search=${PHONE}`)
    expect(listed.body.items).toMatchObject([{ id: expect.stringMatching(/^h_[\w-]{22}$/) }])
    const [{ id }] = listed.body.items
    for (const given of [PHONE, id]) {
      expect((await server.request('GET', `${path}/${given}`)).body.id).toBe(id)
      expect((await server.request('GET', `${path}/${given}/timeline`)).body.items.length).toBeGreaterThan(0)
      expect((await server.request('GET', `${path}/${given}/explain`)).body.device).toMatchObject({ id, isKnown: true })
    }
    expect((await server.request('GET', `${path}?search=${id.slice(0, 8)}`)).body.items).toHaveLength(1)
    expect(problemOf(await server.request('GET', `${path}/${PHONE}-2`))).toBe('404 device-not-found')
    const cohorts = `/manage/v1/apps/${app.slug}/cohorts`
    expect((await server.request('POST', cohorts, { body: { name: 'testers', devices: [PHONE] } })).status).toBe(201)

    const metrics = await server.request('GET', '/metrics')
    expect((await server.request('DELETE', `${path}/${PHONE}-2`)).status).toBe(404)
    const before = JSON.stringify(await dumpDatabase(database))
    expect(before).toContain(id)
    expect((await server.request('DELETE', `${path}/${PHONE}`)).status).toBe(204)
    const after = JSON.stringify(await dumpDatabase(database))
    await server.close()

    expect(log.join('').length).toBeGreaterThan(1_000)
    for (const text of [before, after, log.join('\n'), JSON.stringify(metrics.body)]) expect(text).not.toContain(PHONE)
  })
})
