import { fixedClock, problemOf, startTestServer, zipOf, type TestServer } from '@hotpatch/testkit'
import { afterEach, describe, expect, test } from 'vitest'

const clock = fixedClock()
const servers: TestServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function setUp(env: Record<string, string>) {
  const server = await startTestServer({ clock, env: { HOTPATCH_TRUST_PROXY: '127.0.0.1', ...env } })
  servers.push(server)
  const app = await server.createTestApp()
  await server.published(app, { bundle: await zipOf({ 'index.android.bundle': 'code' }) })

  /** From an address of its own, unless it says which. */
  let addresses = 0
  const send = (events: number, { from = `10.0.${addresses++}.1`, deviceId = 'device-1', of = app } = {}) => {
    const body = { deviceId, platform: 'android', events: Array.from({ length: events }, anEvent) }
    const headers = { 'x-app-key': of.appKey, 'x-forwarded-for': from }
    return server.request('POST', '/events', { body, token: null, headers })
  }
  return { server, app, send }
}

let ids = 0
const anEvent = () => ({ id: `event-${ids++}`, kind: 'failed', code: 'answer-unreadable', detail: 'x'.repeat(100) })

describe('what devices may send', () => {
  test('is limited by events, not only by requests, for each address', async () => {
    const { send } = await setUp({ HOTPATCH_ADDRESS_EVENTS_PER_MINUTE: '250' })
    const statuses = []
    for (let count = 0; count < 4; count++) statuses.push((await send(100, { from: '203.0.113.7' })).status)
    expect(statuses).toEqual([200, 200, 429, 429])
    const refused = await send(100, { from: '203.0.113.7' })
    expect(problemOf(refused)).toBe('429 too-many-requests')
    expect(refused.body.detail).toMatch(/^Too many events from this address\. Try again in \d+ s\.$/)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect((await send(100, { from: '203.0.113.8' })).status).toBe(200)
    clock.advance(60_000)
    expect((await send(100, { from: '203.0.113.7' })).status).toBe(200)
  })

  test('is limited by bytes for each address, before they are read and whatever they are', async () => {
    const { server, app } = await setUp({ HOTPATCH_ADDRESS_BYTES_PER_MINUTE: '5000' })
    const headers = { 'x-app-key': app.appKey, 'x-forwarded-for': '203.0.113.7' }
    const sendBytes = async (path: string) =>
      (await server.request('POST', path, { body: { rubbish: 'x'.repeat(2_000) }, token: null, headers })).status
    expect([await sendBytes('/events'), await sendBytes('/installations')]).toEqual([400, 400])
    expect([await sendBytes('/update/check'), await sendBytes('/events')]).toEqual([429, 429])
  })

  test('is limited for each app, so that one does not crowd out the others', async () => {
    const { server, send } = await setUp({ HOTPATCH_APP_EVENTS_PER_MINUTE: '200' })
    const other = await server.createTestApp()
    const statuses = []
    for (let count = 0; count < 4; count++) statuses.push((await send(100, { deviceId: `device-${count}` })).status)
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(2)
    expect((await send(100, { of: other })).status).toBe(200)
  })

  test('checks go on when an app has reported too much', async () => {
    const { server, app, send } = await setUp({ HOTPATCH_APP_EVENTS_PER_MINUTE: '1' })
    await send(100)
    expect((await send(1)).status).toBe(429)
    expect((await server.check(app)).status).toBe(200)
  })
})
