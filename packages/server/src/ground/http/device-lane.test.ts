import { once } from 'node:events'
import { createServer, request as ask, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { problem } from '@hotpatch/protocol'
import { eventually, fixedClock } from '@hotpatch/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { createClientOrigins } from './client-origin.ts'
import { createDeviceLane, type LaneRoute } from './device-lane.ts'
import { systemTimers } from '../clock.ts'
import { ALONE } from '../workers/crew.ts'
import { createLimiters } from './share-limits.ts'
import { createDeviceLimits } from './device-limits.ts'
import { madeBody, textOf } from './made-body.ts'
import { jsonAnswer } from './plain-request.ts'
import { problemAnswer } from './problem-document.ts'
import { createPublicUrl } from './public-url.ts'
import { createIsTrusted, type TrustedProxies } from './trusted-proxies.ts'

const NO_LIMITS = {
  devicePerMinute: 0,
  addressPerMinute: 0,
  addressBytesPerMinute: 0,
  addressEventsPerMinute: 0,
  appBytesPerMinute: 0,
  appEventsPerMinute: 0,
}
const common = { maxBodyBytes: 100, isCrossOrigin: false, isDownload: false, refuse: problemAnswer } as const
const echo: LaneRoute = {
  ...common,
  method: 'GET',
  path: '/echo',
  answer: ({ method, path, appName, query, body, address, publicUrl }) =>
    jsonAnswer(JSON.stringify({ method, path, appName, query, body, address, publicUrl })),
}
const long = madeBody(JSON.stringify('every word of it 的 '.repeat(2_000)))
const routes: LaneRoute[] = [
  echo,
  { ...echo, method: 'POST' },
  {
    ...common,
    method: 'GET',
    path: '/bug',
    answer: () => {
      throw new Error('a secret of the inside')
    },
  },
  {
    ...common,
    method: 'GET',
    path: '/key',
    answer: (request) => jsonAnswer(JSON.stringify(request.header('x-app-key'))),
  },
  {
    ...common,
    method: 'GET',
    path: '/elsewhere',
    isDownload: true,
    answer: () => ({ servedFrom: '/artifacts/1', headers: ['x-checksum', 'abc'] }),
  },
  { ...common, method: 'GET', path: '/of/:key', answer: ({ params }) => jsonAnswer(JSON.stringify(params), 404) },
  { ...common, method: 'GET', path: '/nothing', answer: () => ({ status: 204, headers: [], body: '' }) },
  {
    ...common,
    method: 'GET',
    path: '/unwritable',
    answer: () => ({ status: 200, headers: ['x-notes', 'two\nlines'], body: '' }),
  },
  {
    ...common,
    method: 'GET',
    path: '/unrefusable',
    answer: () => {
      throw problem('not-found', 'Gone.')
    },
    refuse: () => {
      throw new Error('a secret of the inside')
    },
  },
  { ...common, method: 'GET', path: '/long', answer: () => jsonAnswer(long) },
  { ...common, method: 'GET', path: '/late', answer: async () => Promise.reject(problem('not-found', 'Gone.')) },
]

async function startLane(limits: Partial<typeof NO_LIMITS> = {}, proxies: TrustedProxies = { kind: 'none' }) {
  const answered: string[] = []
  const paths: string[] = []
  const errors: string[] = []
  const lane = createDeviceLane({
    limits: createDeviceLimits({
      settings: { ...NO_LIMITS, ...limits },
      isKnown: () => true,
      createLimiter: createLimiters({ crew: ALONE, clock: fixedClock(), timers: systemTimers }),
    }),
    origins: createClientOrigins(proxies, createIsTrusted(proxies)),
    publicUrl: createPublicUrl(null),
    newRequestId: () => 'request-1',
    serveFramework: ({ url }, response) => response.end(`from ${url}`),
    onAnswered: ({ route, method, status, path }) => {
      answered.push(`${method} ${route} ${status}`)
      paths.push(path)
    },
    log: { info: () => undefined, warn: () => undefined, error: () => errors.push('error') },
  })
  lane.mount(routes)
  const server = createServer((request, response) => {
    if (lane.take(request, response)) return
    response.writeHead(404).end("the framework's")
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo

  async function send(method: string, path: string, options: { headers?: Record<string, string>; body?: string } = {}) {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = ask({ port, host: '127.0.0.1', method, path, headers: options.headers ?? {} }, resolve)
      asked.on('error', reject)
      asked.end(options.body)
    })
    return { status: response.statusCode, headers: response.headers, body: await text(response) }
  }

  /** Bytes as they are; all that comes until the server closes. */
  async function raw(bytes: string): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    socket.write(bytes)
    return text(socket)
  }

  /** Sends them, and is gone when the server has them. */
  async function leave(bytes: string): Promise<void> {
    const socket = connect(port, '127.0.0.1')
    const taken = once(server, 'request')
    socket.write(bytes)
    const [request] = (await taken) as [IncomingMessage]
    const gone = new Promise((resolve) => request.on('close', resolve))
    socket.destroy()
    await gone
  }

  /** Sends them and resets the connection at once: the server may see the bytes when it has no peer any more. */
  async function reset(bytes: string): Promise<void> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write(bytes, () => socket.resetAndDestroy())
    await once(socket, 'close')
  }

  return { port, lane, send, raw, leave, reset, answered, paths, errors }
}

test('a request is plain: no framework and no socket in it', async () => {
  const { send } = await startLane()
  const { status, body } = await send('GET', '/apps/my%2Dapp/echo?a=1&a=2&b=x%20y', {
    headers: { host: 'ota.example' },
  })
  expect(status).toBe(200)
  expect(JSON.parse(body)).toEqual({
    method: 'GET',
    path: '/echo',
    appName: 'my-app',
    query: { a: ['1', '2'], b: 'x y' },
    address: '127.0.0.1',
    publicUrl: 'http://ota.example',
  })
})

test('what the server has at another of its addresses is served from there', async () => {
  const { send } = await startLane()
  const { body, headers } = await send('GET', '/elsewhere?x=1')
  expect([body, headers['x-checksum']]).toEqual(['from /artifacts/1', 'abc'])
})

test('a word of an address that stands for something, such as a key, is in no log', async () => {
  const { send, paths } = await startLane()
  expect((await send('GET', '/of/hpk_secret')).body).toBe('{"key":"hpk_secret"}')
  expect((await send('GET', '/apps/demo/of/hpk_secret')).status).toBe(404)
  expect((await send('GET', '/late')).status).toBe(404)
  expect(paths).toEqual(['/of/:key', '/apps/:slug/of/:key', '/late'])
})

test('a target with its scheme and host is taken, too', async () => {
  const { send } = await startLane()
  const { body } = await send('GET', 'http://ota.example/apps/demo/echo?a=1', { headers: { host: 'ota.example' } })
  expect(JSON.parse(body)).toMatchObject({ appName: 'demo', query: { a: '1' } })
})

test('a header of which only one can count is refused when it comes twice', async () => {
  const { raw } = await startLane()
  const twice = 'GET /key HTTP/1.1\r\nhost: x\r\nx-app-key: one\r\nX-App-Key: two\r\nconnection: close\r\n\r\n'
  expect(await raw(twice)).toContain('Expected the header x-app-key once')
})

test.each<TrustedProxies>([
  { kind: 'none' },
  { kind: 'hops', count: 1 },
  { kind: 'networks', networks: ['127.0.0.1'] },
])('connections that are reset at once harm nobody, and are no error: %j', async (proxies) => {
  const { send, reset, errors, answered } = await startLane({}, proxies)
  const request = 'GET /echo HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 1.2.3.4\r\n\r\n'
  for (let times = 0; times < 20; times++) await Promise.all(Array.from({ length: 10 }, () => reset(request)))
  expect((await send('GET', '/echo')).status).toBe(200)
  expect([errors, answered]).toEqual([[], []])
})

test('an answer may hold any character', async () => {
  const { send } = await startLane()
  for (const text of ['plain', 'Größe', '日本語', '😀']) {
    const { body, headers } = await send('GET', `/echo?text=${encodeURIComponent(text)}`)
    expect(JSON.parse(body).query).toEqual({ text })
    expect(headers['content-length']).toBe(String(Buffer.byteLength(body)))
  }
})

test('HEAD is GET without the body, and says how long that would be', async () => {
  const { send } = await startLane()
  const [head, get] = [await send('HEAD', '/echo'), await send('GET', '/echo')]
  expect(head.body).toBe('')
  expect(head.headers['content-length']).toBe(String(get.body.length))
})

test('an answer without content does not say how long it is', async () => {
  const { send } = await startLane()
  const { status, headers } = await send('GET', '/nothing')
  expect([status, headers]).toEqual([204, expect.not.objectContaining({ 'content-length': expect.anything() })])
})

test.each([
  ['an address of nobody', 'GET', '/nowhere'],
  ['a method that the route has not', 'DELETE', '/echo'],
  ['a prefix without a route', 'GET', '/apps/demo'],
  ['a name that cannot be read', 'GET', '/apps/%E0%A4%A/echo'],
])('%s is left to the framework', async (_what, method, path) => {
  const { send } = await startLane()
  expect((await send(method, path)).body).toBe("the framework's")
})

const json = { 'content-type': 'application/json' }
test.each([
  ['no type', {}, '{}', 'unsupported-media-type'],
  ['another type', { 'content-type': 'text/plain' }, '{}', 'unsupported-media-type'],
  ['a type that only begins as JSON does', { 'content-type': 'application/jsonp' }, '{}', 'unsupported-media-type'],
  ['a type and no body', json, '', 'malformed-json'],
  ['no JSON', json, '{"a":', 'malformed-json'],
  ['a key that would change what objects are', json, '{"__proto__":{}}', 'malformed-json'],
  ['more than it may', json, JSON.stringify('x'.repeat(100)), 'body-too-large'],
  ['more than it may, unannounced', { ...json, 'transfer-encoding': 'chunked' }, 'x'.repeat(1000), 'body-too-large'],
])('a body with %s is refused in words', async (_what, headers, body, type) => {
  const { send, answered } = await startLane()
  const answer = await send('POST', '/echo', { headers, body })
  expect(JSON.parse(answer.body)).toMatchObject({ type: `/problems/${type}`, instance: 'urn:request:request-1' })
  expect(answered).toEqual([`POST /echo ${answer.status}`])
})

test('a bug in one request harms no other of its turn, and tells nobody what is inside', async () => {
  const { raw, errors } = await startLane()
  const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`
  const received = await raw(get('/echo') + get('/bug') + get('/late') + get('/echo', 'connection: close\r\n'))
  expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 500', 'HTTP/1.1 404', 'HTTP/1.1 200'])
  expect(received).not.toContain('secret')
  expect(errors).toHaveLength(1)
})

test('what cannot be written ends its own connection, and nobody else hears of it', async () => {
  const { send, errors } = await startLane()
  const [unwritable, echo] = await Promise.allSettled([send('GET', '/unwritable'), send('GET', '/echo')])
  expect([unwritable.status, echo.status]).toEqual(['rejected', 'fulfilled'])
  const unrefusable = await send('GET', '/unrefusable')
  expect([unrefusable.status, unrefusable.body.includes('secret')]).toEqual([500, false])
  expect(errors).toHaveLength(2)
})

test('too many requests of an address are refused before their bodies are read', async () => {
  const { send } = await startLane({ addressPerMinute: 1 })
  expect((await send('GET', '/echo')).status).toBe(200)
  const refused = await send('POST', '/echo', { headers: json, body: 'not even JSON' })
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '60'])
})

test('a download is no request', async () => {
  const { send } = await startLane({ addressPerMinute: 1 })
  for (let times = 0; times < 3; times++) expect((await send('GET', '/elsewhere')).status).toBe(200)
  expect((await send('GET', '/echo')).status).toBe(200)
  expect((await send('GET', '/echo')).status).toBe(429)
})

test('a body that does not say how long it is counts as long as it was', async () => {
  const { send } = await startLane({ addressBytesPerMinute: 50 })
  const chunked = { ...json, 'transfer-encoding': 'chunked' }
  expect((await send('POST', '/echo', { headers: chunked, body: JSON.stringify('x'.repeat(60)) })).status).toBe(200)
  expect((await send('POST', '/echo', { headers: chunked, body: '{}' })).status).toBe(429)
})

test('whoever leaves in the middle of a body is forgotten', async () => {
  const { send, leave, answered, errors } = await startLane()
  await leave('POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{')
  expect((await send('GET', '/echo')).status).toBe(200)
  expect([answered, errors]).toEqual([[], []])
})

test('a lane that is closed leaves everything to the framework, which says that the server stops', async () => {
  const { send, lane } = await startLane()
  lane.close()
  expect((await send('GET', '/echo')).body).toBe("the framework's")
})

test('two routes for one address stop the start', async () => {
  const { lane } = await startLane()
  expect(() => lane.mount([echo])).toThrow('Two routes want GET /echo.')
})

test('a long body is sent as it is, and compressed to whoever reads that when it was compressed once', async () => {
  const { port } = await startLane()
  const get = async (acceptEncoding?: string, method = 'GET') => {
    const headers = acceptEncoding === undefined ? {} : { 'accept-encoding': acceptEncoding }
    const response = await new Promise<IncomingMessage>((resolve) =>
      ask({ port, host: '127.0.0.1', method, path: '/long', headers }, resolve).end(),
    )
    const bytes = await buffer(response)
    const { 'content-encoding': coding, 'content-length': length, vary } = response.headers
    expect([vary, response.headers['content-type']]).toEqual(['accept-encoding', 'application/json; charset=utf-8'])
    if (method === 'GET') expect(Number(length)).toBe(bytes.length)
    return { coding, bytes, length: Number(length) }
  }
  const plain = Buffer.from(textOf(long))
  for (const [coding, acceptEncoding, unpack] of [
    ['gzip', 'gzip', gunzipSync],
    ['br', 'zstd, br, gzip', brotliDecompressSync],
  ] as const) {
    // Nobody waits for it.
    expect(await get(acceptEncoding)).toEqual({ coding: undefined, bytes: plain, length: plain.length })
    const packed = await eventually(async () => {
      const answer = await get(acceptEncoding)
      expect(answer.coding).toBe(coding)
      return answer
    })
    expect(packed.bytes.length).toBeLessThan(plain.length / 10)
    expect(unpack(packed.bytes)).toEqual(plain)
    expect(await get(acceptEncoding, 'HEAD')).toEqual({ ...packed, bytes: Buffer.alloc(0) })
  }
  for (const other of [undefined, 'deflate', 'gzip;q=0', '*']) {
    expect(await get(other)).toEqual({ coding: undefined, bytes: plain, length: plain.length })
  }
})
