import { bundleOf, fixedClock, problemOf, startTestServer, type TestServer } from '@hotpatch/testkit'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'

async function start(options: Parameters<typeof startTestServer>[0]): Promise<TestServer> {
  const server = await startTestServer(options)
  onTestFinished(() => server.close())
  return server
}

describe('the address of a bundle', () => {
  const checkFrom = async (env: Record<string, string>, headers: Record<string, string>) => {
    const server = await start({ env })
    const app = await server.createTestApp()
    await server.published(app, { bundle: await bundleOf('one') })
    const body = { deviceId: 'd', platform: 'android', version: '1' }
    const all = { 'x-app-key': app.appKey, ...headers }
    const answer = await server.request('POST', '/update/check', { body, token: null, headers: all })
    return answer.status === 200 ? answer.body.bundleUrl.replace(/artifacts\/.*/, '') : problemOf(answer)
  }
  const forwarded = { host: 'inner:8080', 'x-forwarded-host': 'ota.example.com', 'x-forwarded-proto': 'https' }

  test.each<[string, Record<string, string>, Record<string, string>, string]>([
    ['is on the host that the request named', {}, { host: '10.0.2.2:8080' }, 'http://10.0.2.2:8080/'],
    ['is on an IPv6 host', {}, { host: '[::1]:8080' }, 'http://[::1]:8080/'],
    ['is not on a forwarded host that nobody vouches for', {}, forwarded, 'http://inner:8080/'],
    ["is on a trusted proxy's host", { HOTPATCH_TRUST_PROXY: '127.0.0.1' }, forwarded, 'https://ota.example.com/'],
    ['is not on the host of another proxy', { HOTPATCH_TRUST_PROXY: '10.0.0.0/8' }, forwarded, 'http://inner:8080/'],
    [
      'is on HOTPATCH_PUBLIC_URL, whatever the request names',
      { HOTPATCH_PUBLIC_URL: 'https://cdn.example.com/ota/', HOTPATCH_TRUST_PROXY: '1' },
      forwarded,
      'https://cdn.example.com/ota/',
    ],
    ['is never made from a host with a path', {}, { host: 'evil.example/x?' }, '400 invalid-request'],
    ['is never made from a host with a user', {}, { host: 'a@evil.example' }, '400 invalid-request'],
    ['is never made from a host with quotes', {}, { host: '"><script>' }, '400 invalid-request'],
  ])('%s', async (_case, env, headers, expected) => {
    expect(await checkFrom(env, headers)).toBe(expected)
  })

  test('is not made without a host: HTTP/1.0 need not name one', async () => {
    const server = await start({})
    const app = await server.createTestApp()
    await server.published(app, { bundle: await bundleOf('one') })
    await server.listen()
    const { port } = server.app.http.server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    const path = '/update/check?deviceId=d&platform=android&version=1'
    socket.end(`GET ${path} HTTP/1.0\r\nx-app-key: ${app.appKey}\r\n\r\n`)
    expect(await text(socket)).toContain('/problems/invalid-request')
  })
})

describe('a rate limit', () => {
  const limited = async (env: Record<string, string>) => {
    const clock = fixedClock()
    const server = await start({ clock, env })
    const app = await server.createTestApp()
    return { clock, server, app }
  }

  test('for a device lets as many pass at once as a minute has, then says when to come back', async () => {
    const { clock, server, app } = await limited({ HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '12' })
    for (let times = 0; times < 12; times++) expect((await server.check(app)).status).toBe(200)
    const refused = await server.check(app)
    expect(problemOf(refused)).toBe('429 too-many-requests')
    expect(refused.headers['retry-after']).toBe('5')
    expect((await server.check(app, { deviceId: 'another' })).status).toBe(200)
    clock.advance(4_999)
    expect((await server.check(app)).status).toBe(429)
    clock.advance(1)
    expect((await server.check(app)).status).toBe(200)
  })

  test('for a device counts its checks, reports and registrations together', async () => {
    const { server, app } = await limited({ HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '2' })
    const { releaseId } = await server.published(app, { bundle: await bundleOf('one') })
    expect((await server.check(app)).status).toBe(200)
    expect((await server.report(app, { status: 'applied', releaseId })).status).toBe(200)
    const body = { deviceId: 'device-1', platform: 'android' }
    const headers = { 'x-app-key': app.appKey }
    expect((await server.request('POST', '/devices', { body, token: null, headers })).status).toBe(429)
    expect((await server.check(app)).status).toBe(429)
  })

  test('for a device counts the device of each app by itself', async () => {
    const { server, app } = await limited({ HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '1' })
    const other = await server.createTestApp()
    expect([await server.check(app), await server.check(other)].map(({ status }) => status)).toEqual([200, 200])
    expect((await server.check(app)).status).toBe(429)
  })

  test('for an address holds for all devices behind it, and for signing in', async () => {
    const { clock, server, app } = await limited({ HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '3' })
    for (const deviceId of ['a', 'b', 'c']) expect((await server.check(app, { deviceId })).status).toBe(200)
    const refused = await server.check(app, { deviceId: 'd' })
    expect(problemOf(refused)).toBe('429 too-many-requests')
    expect(refused.headers['retry-after']).toBe('20')
    const signIn = () => server.request('POST', '/auth/token', { body: { apiKey: server.ownerToken }, token: null })
    expect(problemOf(await signIn())).toBe('429 too-many-requests')
    clock.advance(20_000)
    expect((await signIn()).status).toBe(200)
  })

  test('for an address goes by the client, not by the trusted proxy in front', async () => {
    const { server, app } = await limited({
      HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '1',
      HOTPATCH_TRUST_PROXY: 'loopback',
    })
    const checkFrom = async (address: string) => {
      const body = { deviceId: address, platform: 'android', version: '1' }
      const headers = { 'x-app-key': app.appKey, 'x-forwarded-for': address }
      return (await server.request('POST', '/update/check', { body, token: null, headers })).status
    }
    expect([await checkFrom('192.0.2.1'), await checkFrom('192.0.2.2'), await checkFrom('192.0.2.1')]).toEqual([
      200, 200, 429,
    ])
  })

  test('of 0 is none', async () => {
    const { server, app } = await limited({
      HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0',
      HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '0',
    })
    const answers = await Promise.all(Array.from({ length: 300 }, () => server.check(app)))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
  })

  test('does not stand between people and their server', async () => {
    const { server, app } = await limited({ HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '1' })
    await server.check(app)
    await server.check(app)
    expect((await server.request('GET', '/manage/v1/apps')).status).toBe(200)
  })
})
