import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { SoakServer } from '../machines/soak-server.ts'
import type { Random } from '../random.ts'
import type { World } from '../world.ts'

/** Headers have 15 seconds, a body 10 and then 512 bytes a second; and the machine is busy. */
const CUT_OFF_MS = 60_000

interface Ended {
  status: number | undefined
  tookMs: number
}

/** One that sends a byte a second until it is cut off: a head that never ends, or a body. */
async function trickle(server: SoakServer, start: string): Promise<Ended> {
  const startedAt = performance.now()
  const { socket, answer } = await open(server)
  socket.write(start)
  while (!socket.destroyed && performance.now() - startedAt < CUT_OFF_MS) {
    socket.write('x')
    await wait(1_000)
  }
  const tookMs = performance.now() - startedAt
  socket.destroy()
  return { status: statusOf(answer()), tookMs }
}

async function open(server: SoakServer): Promise<{ socket: Socket; answer: () => string }> {
  const { port } = new URL(server.url)
  const socket = connect({ host: '127.0.0.1', port: Number(port) })
  let received = ''
  // It is cut off: that is what is waited for.
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => (received = (received + chunk.toString('latin1')).slice(0, 2_000)))
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined)
  return { socket, answer: () => received }
}

function statusOf(answer: string): number | undefined {
  const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(answer) ?? []
  return status === undefined ? undefined : Number(status)
}

const HEAD = 'POST /update/check HTTP/1.1\r\nhost: soak\r\n'

/** Keeps so many slow ones open, on all servers. */
export async function runSlowClients(world: World, count: number): Promise<void> {
  const { site, timeline, findings } = world
  const random = world.random.of('slow clients')
  const clients = Array.from({ length: count }, async (_, index) => {
    const server = random.pick(site.servers)
    const startedAt = timeline.now()
    const isHead = index % 2 === 0
    const body = `${HEAD}content-type: application/json\r\ncontent-length: 10000\r\n\r\n{`
    const { status, tookMs } = await trickle(server, isHead ? `${HEAD}x-slow: ` : body)
    const isDead = timeline.wasDisturbed(startedAt, `server:${server.index}`, `workers:${server.index}`)
    findings.count(isDead ? 'slow clients that were cut off, or lost their server' : 'slow clients that were cut off')
    findings.most('longest slow client, ms', tookMs)
    const isBounded = tookMs < CUT_OFF_MS && (status === undefined || (status >= 400 && status < 500))
    findings.expectThat('hostile-bounded', isBounded || isDead, () => {
      return `A slow ${isHead ? 'head' : 'body'} was answered ${status} after ${Math.round(tookMs)} ms.`
    })
  })
  await Promise.all(clients)
}

/** What is sent, and nothing after it; `abort`: the connection ends in the middle. */
interface Broken {
  name: string
  bytes: (random: Random) => Buffer | string
  isAborted?: boolean
}

const post = (path: string, headers: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nhost: soak\r\ncontent-type: application/json\r\n${headers}\r\n${body}`

const BROKEN: readonly Broken[] = [
  { name: 'garbage', bytes: (random) => random.bytes(300) },
  { name: 'no HTTP', bytes: () => 'EHLO soak\r\n\r\n' },
  { name: 'huge header', bytes: () => `${HEAD}x-huge: ${'h'.repeat(200_000)}\r\n\r\n` },
  { name: 'thousands of headers', bytes: () => `${HEAD}${'x-more: 1\r\n'.repeat(5_000)}\r\n` },
  { name: 'body that is no JSON', bytes: () => post('/update/check', 'content-length: 9\r\n', '{"broken"') },
  { name: 'body that is no object', bytes: () => post('/installations', 'content-length: 2\r\n', '[]') },
  { name: 'two lengths', bytes: () => post('/update/check', 'content-length: 2\r\ncontent-length: 3\r\n', '{}') },
  {
    name: 'length and chunks',
    bytes: () => post('/update/check', 'content-length: 2\r\ntransfer-encoding: chunked\r\n', '2\r\n{}\r\n0\r\n\r\n'),
  },
  { name: 'chunk without an end', bytes: () => post('/events', 'transfer-encoding: chunked\r\n', 'zz\r\n') },
  { name: 'too long a body', bytes: () => post('/update/check', 'content-length: 99999999\r\n', '{}') },
  { name: 'body that breaks off', bytes: () => post('/events', 'content-length: 5000\r\n', '{"a":'), isAborted: true },
  {
    name: 'publish that breaks off',
    bytes: () =>
      `POST /manage/v1/apps/fleet/releases HTTP/1.1\r\nhost: soak\r\ncontent-length: 90000\r\n` +
      `content-type: multipart/form-data; boundary=b\r\n\r\n--b\r\ncontent-disposition: form-data; name="bundle"\r\n\r\n`,
    isAborted: true,
  },
]

const ANSWER_MS = 30_000

/** One after the other, for so long. */
export async function runBrokenClients(world: World, forMs: number): Promise<void> {
  const { site, timeline, findings } = world
  const random = world.random.of('broken clients')
  const until = timeline.now() + forMs
  for (let count = 0; timeline.now() < until && !world.end.aborted; count++) {
    const broken = BROKEN[count % BROKEN.length] as Broken
    const server = random.pick(site.servers)
    const startedAt = timeline.now()
    const { socket, answer } = await open(server)
    socket.write(broken.bytes(random))
    if (broken.isAborted) setTimeout(() => socket.destroy(), 50)
    const late = setTimeout(() => socket.destroy(), ANSWER_MS)
    while (!socket.destroyed && statusOf(answer()) === undefined) await wait(20)
    clearTimeout(late)
    socket.destroy()
    const status = statusOf(answer())
    const isLate = timeline.now() - startedAt >= ANSWER_MS
    const isBounded = !isLate && (status === undefined || (status >= 400 && status < 500))
    const isDead = timeline.wasDisturbed(startedAt, `server:${server.index}`, `workers:${server.index}`, 'database')
    findings.count('broken clients')
    findings.expectThat('hostile-bounded', isBounded || isDead, () => {
      return `A client with ${broken.name} was answered ${status ?? 'nothing'}${isLate ? ', and kept open' : ''}.`
    })
    await wait(50)
  }
}
