import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { Timers } from '../clock.ts'
import { CONNECTION_LIMITS, guardConnections, type ConnectionLimits } from './guard-connections.ts'

const LIMITS = { ...CONNECTION_LIMITS, maxConnections: 100, maxPerAddress: 100 }
const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** A real server and real sockets; the seconds pass when a test says so. */
async function start({
  limits = {},
  isProxy = () => false,
  onRequest = (_request, response) => void response.end('ok'),
}: {
  limits?: Partial<ConnectionLimits>
  isProxy?: (address: string) => boolean
  onRequest?: RequestListener
} = {}) {
  let next: (() => void) | undefined
  const timers: Timers = {
    after(_delayMs, run) {
      next = run
      return () => (next = undefined)
    },
  }
  const requests: [IncomingMessage, ServerResponse][] = []
  const server = createServer((request, response) => {
    requests.push([request, response])
    onRequest(request, response)
  })
  server.on('clientError', (_error, socket) => socket.end('HTTP/1.1 408 Request Timeout\r\n\r\n'))
  const guard = guardConnections({ server, limits: { ...LIMITS, ...limits }, timers, isProxy })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(
    () => server.close(),
    () => server.closeAllConnections(),
  )
  const { port } = server.address() as AddressInfo

  async function open(text = ''): Promise<Client> {
    const socket = connect(port, '127.0.0.1')
    closers.push(() => socket.destroy())
    const accepted = once(server, 'connection')
    const client = clientOf(socket)
    await Promise.all([accepted, once(socket, 'connect')])
    if (text !== '') {
      const asked = once(server, 'request')
      socket.write(text)
      await asked
    }
    return client
  }

  function seconds(count: number): void {
    for (let second = 0; second < count; second++) {
      const run = next
      next = undefined
      run?.()
    }
  }

  return { guard, server, open, seconds, requests, isLooking: () => next !== undefined }
}

interface Client {
  socket: Socket
  received: () => string
  closed: Promise<unknown>
  isClosed: () => boolean
}

function clientOf(socket: Socket): Client {
  let received = ''
  let isClosed = false
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()))
  // Reset or ended: closed is closed.
  socket.on('error', () => undefined)
  const closed = once(socket, 'close').then(() => (isClosed = true))
  return { socket, received: () => received, closed, isClosed: () => isClosed }
}

const post = (sizeBytes: number, body = '') =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${sizeBytes}\r\n\r\n${body}`
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const never: RequestListener = (request) => void request.resume()

/** Sends, and waits until the server has it. */
async function send(client: Client, request: IncomingMessage, bytes: number): Promise<void> {
  const before = request.socket.bytesRead
  client.socket.write('x'.repeat(bytes))
  while (request.socket.bytesRead < before + bytes) await once(request, 'data')
}

describe('a connection on which nothing moves', () => {
  const IDLE_MS = 20

  test('is closed before a request', async () => {
    const { open, server } = await start()
    server.setTimeout(IDLE_MS)
    await (
      await open()
    ).closed
  })

  test('is kept while the server is at work on what was asked, and closed when that is over', async () => {
    const { open, server, requests } = await start({ onRequest: never })
    server.setTimeout(IDLE_MS)
    const client = await open(post(4, 'some'))
    const [[request, response] = []] = requests
    await once(request?.socket as Socket, 'timeout')
    response?.writeHead(200, { connection: 'close' }).end('done')
    await client.closed
    expect(client.received()).toContain('done')
  })

  test('is closed when an answer that has begun does not go on', async () => {
    const { open, server } = await start({ onRequest: (_, response) => void response.write('some') })
    server.setTimeout(IDLE_MS)
    const client = await open(GET)
    await client.closed
    expect(client.received()).toContain('some')
  })

  test('is closed after an hour of work', async () => {
    const { open, seconds, guard, requests } = await start({ onRequest: never })
    const client = await open(post(4, 'some'))
    await once(requests[0]?.[0] as IncomingMessage, 'end')
    seconds(3_599)
    expect(guard.counters()).toMatchObject({ connections: 1, slowAnswers: 0 })
    seconds(1)
    await client.closed
    expect(guard.counters()).toMatchObject({ connections: 0, slowAnswers: 1 })
  })
})

describe('a body', () => {
  test('that drips is cut, with an answer that says why', async () => {
    const { open, seconds, guard, requests } = await start({ onRequest: never })
    const client = await open(post(10_000, 'x'))
    const [[request] = []] = requests
    seconds(10)
    expect(guard.counters()).toMatchObject({ connections: 1, slowBodies: 0 })
    await send(client, request as IncomingMessage, 1)
    seconds(1)
    await client.closed
    expect(client.received()).toContain('408')
    expect(guard.counters()).toMatchObject({ connections: 0, slowBodies: 1 })
  })

  test('that comes slowly, but comes, is waited for', async () => {
    const { open, seconds, guard, requests } = await start({ onRequest: never })
    const client = await open(post(100_000))
    const [[request] = []] = requests
    for (let second = 0; second < 60; second++) {
      await send(client, request as IncomingMessage, 512)
      seconds(1)
    }
    expect(client.isClosed()).toBe(false)
    expect(guard.counters()).toMatchObject({ connections: 1, slowBodies: 0 })
  })

  test('that the server does not read is not the client’s fault', async () => {
    const { open, seconds, guard } = await start({ onRequest: () => undefined })
    await open(post(10_000, 'some of it'))
    seconds(1_000)
    expect(guard.counters()).toMatchObject({ connections: 1, slowBodies: 0 })
  })

  test('that was answered already is not waited for', async () => {
    const { open, seconds, guard, requests } = await start()
    const client = await open(post(10_000, 'x'))
    const [[, response] = []] = requests
    if (!response?.writableFinished) await once(response as ServerResponse, 'finish')
    seconds(4)
    expect(guard.counters().connections).toBe(1)
    seconds(1)
    await client.closed
    expect(client.received()).toContain('ok')
  })

  test('of an upload may be long: it is looked at in windows', async () => {
    let expectUpload: (request: IncomingMessage) => void = () => undefined
    const { open, seconds, guard, requests } = await start({
      onRequest: (request) => {
        expectUpload(request)
        request.resume()
      },
    })
    expectUpload = guard.expectUpload
    const client = await open(post(1_000_000))
    const [[request] = []] = requests
    for (let window = 0; window < 5; window++) {
      await send(client, request as IncomingMessage, 30 * 512)
      seconds(30)
    }
    expect(guard.counters().slowBodies).toBe(0)
    // However much came before.
    await send(client, request as IncomingMessage, 100)
    seconds(30)
    await client.closed
    expect(guard.counters().slowBodies).toBe(1)
  })
})

test('an answer that is not read is cut; one that is read is not', async () => {
  const piece = Buffer.alloc(64 * 1024)
  const { open, seconds, guard, requests } = await start({
    onRequest: (_request, response) => {
      const write = () => {
        while (response.write(piece));
        response.once('drain', write)
      }
      write()
    },
  })
  const reading = await open(GET)
  const [[, response] = []] = requests
  const stopped = await open(GET)
  stopped.socket.pause()
  const [, [, unread] = []] = requests
  // Until the system takes no more of it.
  let sent = -1
  while (sent !== unread?.socket?.bytesWritten) {
    sent = unread?.socket?.bytesWritten ?? 0
    for (let turn = 0; turn < 20; turn++) await once(response as ServerResponse, 'drain')
  }
  const limit = 60 + Math.ceil(sent / LIMITS.minBytesPerSecond) + 1
  for (let second = 0; second < limit; second++) seconds(1)
  expect(guard.counters()).toMatchObject({ slowReaders: 1 })
  expect([reading.isClosed(), requests[1]?.[0].socket.destroyed]).toEqual([false, true])
})

describe('connections', () => {
  test('of one address are bounded', async () => {
    const { open, guard } = await start({ limits: { maxPerAddress: 2 }, onRequest: never })
    const clients = [await open(post(10)), await open(post(10))]
    const third = await open()
    await third.closed
    expect(clients.map((client) => client.isClosed())).toEqual([false, false])
    expect(guard.counters()).toMatchObject({ connections: 2, refusedConnections: 1 })
  })

  test('of all together are bounded, also those of a proxy', async () => {
    const { open, guard } = await start({
      limits: { maxConnections: 3, maxPerAddress: 1 },
      isProxy: () => true,
      onRequest: never,
    })
    for (let count = 0; count < 3; count++) await open(post(10))
    await (
      await open()
    ).closed
    expect(guard.counters()).toMatchObject({ connections: 3, refusedConnections: 1 })
  })

  test('that are idle make room for others, the oldest first', async () => {
    const { open, guard, requests } = await start({ limits: { maxPerAddress: 2 } })
    const first = await open(GET)
    const second = await open(GET)
    for (const [, response] of requests) if (!response.writableFinished) await once(response, 'finish')
    const third = await open(GET)
    await first.closed
    expect([second.isClosed(), third.isClosed()]).toEqual([false, false])
    expect(guard.counters()).toMatchObject({ connections: 2, closedIdle: 1, refusedConnections: 0 })
  })

  test('leave nothing behind, and nobody looks when there is none', async () => {
    const { open, guard, seconds, isLooking } = await start()
    const client = await open(GET)
    expect(isLooking()).toBe(true)
    client.socket.destroy()
    await client.closed
    while (guard.counters().connections > 0) await new Promise(setImmediate)
    seconds(1)
    expect(isLooking()).toBe(false)
  })
})
