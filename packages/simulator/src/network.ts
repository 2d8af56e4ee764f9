import type { HttpExchange, HttpPort, HttpRequest, HttpResponse } from '@hotpatch/client'
import type { ContentPool } from './content-pool.ts'
import type { Random } from './random.ts'

/** What one session of a device has of a network. */
export interface Connection {
  index: number
  random: Random
  isOffline: boolean
  /** The share of a download after which the network goes. */
  breaksAfter: number | undefined
  /** Simulated time went by for this device alone. */
  pass(ms: number): void
}

/** What was asked, in the order in which it was. */
export interface FleetRequest {
  /** Of the device in the fleet. */
  index: number
  method: string
  url: string
  body: string | undefined
}

interface Answer {
  status: number
  headers: HttpResponse['headers']
  body: Uint8Array
}

interface Waiting {
  connection: Connection
  request: HttpRequest
  resolve: (response: HttpResponse) => void
  reject: (error: Error) => void
}

export type Network = ReturnType<typeof createNetwork>

const LATENCY_MS = [20, 300] as const
/** Of a phone on the road. */
const BYTES_PER_MS = 1_000

/**
 * Between the devices and the server. Requests are gathered until no device can go on without an answer, and are sent
 * in the order of the devices, so that the same fleet asks the same way, however fast the server answers.
 * An archive is fetched from the server once, and lives in memory for the whole fleet.
 */
export function createNetwork({
  http,
  pool,
  onRequest,
}: {
  http: HttpPort
  pool: ContentPool
  onRequest: ((request: FleetRequest) => void) | undefined
}) {
  let waiting: Waiting[] = []
  const archives = new Map<string, Promise<Answer>>()
  const counts = { requests: 0, downloads: 0, downloadedBytes: 0 }

  function connect(connection: Connection): HttpPort {
    return {
      open(request): HttpExchange {
        if (connection.isOffline) return { response: Promise.reject(new Error('no network')), abort: () => undefined }
        const response = new Promise<HttpResponse>((resolve, reject) => {
          waiting.push({ connection, request, resolve, reject })
        })
        return { response, abort: () => undefined }
      },
    }
  }

  /** Sends what waits, and hands out the answers. False when nothing waited. */
  async function exchange(): Promise<boolean> {
    if (waiting.length === 0) return false
    const round = waiting.sort((a, b) => a.connection.index - b.connection.index)
    waiting = []
    const answers = await Promise.allSettled(round.map(({ connection, request }) => send(connection, request)))
    answers.forEach((answer, place) => {
      const { connection, request, resolve, reject } = round[place] as Waiting
      connection.pass(connection.random.between(...LATENCY_MS))
      if (answer.status === 'rejected') reject(answer.reason as Error)
      else resolve(deliver(answer.value, connection, request))
    })
    return true
  }

  function send({ index }: Connection, request: HttpRequest): Promise<Answer> {
    const { method, url, body } = request
    counts.requests += 1
    onRequest?.({ index, method, url, body })
    return method === 'GET' ? fetchArchive(request) : fetchWhole(request)
  }

  async function fetchWhole(request: HttpRequest): Promise<Answer> {
    const { status, headers, body } = await http.open(request).response
    const chunks: Uint8Array[] = []
    for await (const chunk of body) chunks.push(chunk)
    return { status, headers, body: joined(chunks) }
  }

  /** Only a whole one is kept: whoever goes on with a part gets it out of that. */
  async function fetchArchive(request: HttpRequest): Promise<Answer> {
    const { range: _range, 'if-range': _ifRange, ...headers } = request.headers
    let archive = archives.get(request.url)
    if (!archive) {
      archive = fetchWhole({ ...request, headers }).then((answer) => {
        if (answer.status === 200) pool.addArchive(answer.body)
        return answer
      })
      archives.set(request.url, archive)
    }
    try {
      const answer = await archive
      if (answer.status !== 200) archives.delete(request.url)
      return answer
    } catch (error) {
      archives.delete(request.url)
      throw error
    }
  }

  function deliver(answer: Answer, connection: Connection, request: HttpRequest): HttpResponse {
    const { status, headers, body } = answer
    if (request.method !== 'GET' || status !== 200) return { status, headers, body: inOnePiece(body) }
    counts.downloads += 1
    const { etag } = headers
    const asked = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const from = etag !== undefined && request.headers['if-range'] === etag && asked < body.length ? asked : 0
    const left = body.length - from
    const until = connection.breaksAfter === undefined ? body.length : from + Math.floor(left * connection.breaksAfter)
    counts.downloadedBytes += until - from
    connection.pass((until - from) / BYTES_PER_MS)
    const ranged = from > 0 ? { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` } : {}
    return {
      status: from > 0 ? 206 : 200,
      headers: { ...headers, ...ranged, 'content-length': String(left) },
      body: arriving(body.subarray(from, until), until < body.length ? connection : undefined),
    }
  }

  return { connect, exchange, counts: () => ({ ...counts }) }
}

async function* inOnePiece(body: Uint8Array): AsyncGenerator<Uint8Array> {
  if (body.length > 0) yield body
}

/** With the rest of the body goes the network, until the app is opened the next time. */
async function* arriving(part: Uint8Array, breaking: Connection | undefined): AsyncGenerator<Uint8Array> {
  if (part.length > 0) yield part
  if (!breaking) return
  breaking.isOffline = true
  throw new Error('the connection broke off')
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks
  if (chunks.length === 1 && first) return first
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}
