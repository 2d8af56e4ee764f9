import { problemOf, startTestServer, zipOf, type TestResponse, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createIsTrusted, readTrustedProxies } from './trusted-proxies.ts'

describe('trusted proxies', () => {
  const trusts = (text: string, address: string, hop = 0) =>
    createIsTrusted(readTrustedProxies(text) ?? { kind: 'none' })(address, hop)

  test.each([
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '::ffff:127.0.0.1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['10.0.0.0/8,2001:db8::/32', '10.200.3.4', true],
    ['10.0.0.0/8,2001:db8::/32', '2001:db8:1::7', true],
    ['10.0.0.0/8,2001:db8::/32', '11.0.0.1', false],
    ['loopback', '::1', true],
    ['loopback', 'unknown', false],
    ['', '127.0.0.1', false],
    ['0', '127.0.0.1', false],
  ])('"%s" trusts %s: %s', (text, address, expected) => expect(trusts(text, address)).toBe(expected))

  test('a number trusts so many, whoever they are', () => {
    expect([0, 1, 2].map((hop) => trusts('2', '203.0.113.7', hop))).toEqual([true, true, false])
  })
})

describe('behind a proxy', () => {
  let behindProxy: TestServer
  let alone: TestServer
  beforeAll(async () => {
    behindProxy = await startTestServer({
      env: { HOTPATCH_TRUST_PROXY: '127.0.0.1', HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '1' },
    })
    alone = await startTestServer({ env: { HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '3' } })
  })
  afterAll(async () => {
    await behindProxy.close()
    await alone.close()
  })

  const statusOf = async (server: TestServer, forwardedFor: string) => {
    const headers = { 'x-forwarded-for': forwardedFor }
    return (await server.request('GET', '/update/check', { token: null, headers })).status
  }

  test('every client has limits of its own: what the client itself claims is not looked at', async () => {
    expect(await statusOf(behindProxy, '198.51.100.1')).toBe(401)
    expect(await statusOf(behindProxy, '198.51.100.2')).toBe(401)
    // The proxy appended the address that it saw to what the client sent.
    expect(await statusOf(behindProxy, '203.0.113.99, 198.51.100.1')).toBe(429)
  })

  test('all addresses of an IPv6 /64 are one client, and an IPv4 address is the same however it is written', async () => {
    expect(await statusOf(behindProxy, '2001:db8:1:2::1')).toBe(401)
    expect(await statusOf(behindProxy, '2001:db8:1:2:ffff::9')).toBe(429)
    expect(await statusOf(behindProxy, '2001:db8:1:3::1')).toBe(401)
    expect(await statusOf(behindProxy, '198.51.100.77')).toBe(401)
    expect(await statusOf(behindProxy, '::ffff:198.51.100.77')).toBe(429)
  })

  test('without a trusted proxy the header says nothing', async () => {
    const statuses = ['a', 'b', 'c', 'd'].map((claimed) => statusOf(alone, claimed))
    expect(await Promise.all(statuses)).toEqual([401, 401, 401, 429])
  })

  describe('addresses in answers', () => {
    let server: TestServer
    let ask: (headers: Record<string, string>) => Promise<TestResponse>
    beforeAll(async () => {
      server = await startTestServer({ env: { HOTPATCH_TRUST_PROXY: '127.0.0.1' } })
      const app = await server.createTestApp()
      const bundle = await zipOf({ 'index.android.bundle': 'code' })
      await server.published(app, { bundle })
      const body = { appId: app.id, deviceId: 'device-1', version: '0.9.0', platform: 'android' }
      ask = (headers) =>
        server.request('POST', '/update/check', {
          body,
          token: null,
          headers: { 'x-app-key': app.appKey, host: 'ota.example.com', ...headers },
        })
    })
    const bundleUrl = async (headers: Record<string, string>) => {
      const answer = await ask(headers)
      expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store'])
      return String(answer.body.bundleUrl).replace(/artifacts.*/, '')
    }
    afterAll(() => server.close())

    test.each([
      ['https', 'https://ota.example.com/'],
      ['HTTPS', 'https://ota.example.com/'],
      ['Http', 'http://ota.example.com/'],
      ['http, https', 'https://ota.example.com/'],
      ['wss', 'http://ota.example.com/'],
      ['javascript:alert(1)//', 'http://ota.example.com/'],
    ])('X-Forwarded-Proto: %s', async (proto, expected) => {
      expect(await bundleUrl({ 'x-forwarded-proto': proto })).toBe(expected)
    })

    test('one that a client chose for itself is in nobody else’s answer', async () => {
      expect(await bundleUrl({ host: 'evil.example.net' })).toBe('http://evil.example.net/')
      expect(await bundleUrl({})).toBe('http://ota.example.com/')
    })

    test.each(['evil.example.net/path?', 'a b', 'user@host', '[::1', 'h'.repeat(300)])(
      'X-Forwarded-Host: %.20s is refused',
      async (host) => expect(problemOf(await ask({ 'x-forwarded-host': host }))).toBe('400 invalid-request'),
    )
  })
})

test('a connection that is gone already has no address, and is no proxy', () => {
  for (const text of ['127.0.0.1,10.0.0.0/8', 'loopback']) {
    expect(createIsTrusted(readTrustedProxies(text) ?? { kind: 'none' })(undefined, 0)).toBe(false)
  }
})
