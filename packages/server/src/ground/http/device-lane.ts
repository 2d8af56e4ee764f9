import type { IncomingMessage, ServerResponse } from 'node:http'
import { Problem, problem } from '@hotpatch/protocol'
import { parse as parseQuery } from 'fast-querystring'
import { parse as parseJson } from 'secure-json-parse'
import type { Log } from '../log.ts'
import { createAddressTable, decodeWord } from './address-table.ts'
import type { ClientOrigins } from './client-origin.ts'
import type { DeviceLimits } from './device-limits.ts'
import { createBodyPacker, type Body } from './made-body.ts'
import type { PlainAnswer, PlainRequest, ServedAddress } from './plain-request.ts'
import { PROBLEM_CONTENT_TYPE, renderUnexpected, translateOutage } from './problem-document.ts'
import type { PublicUrl } from './public-url.ts'

/** GET also answers HEAD. */
export type LaneMethod = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** An address that devices call: at the root, and under /apps/{slug}. */
export interface LaneRoute {
  method: LaneMethod | 'OPTIONS'
  /** In which `:name` stands for one word. */
  path: string
  maxBodyBytes: number
  /** Pages of any origin may ask, and read the answer. */
  isCrossOrigin: boolean
  /** What a device asks for hundreds of times in a minute: no request of its address, as no download is. */
  isDownload: boolean
  /**
   * A promise only where something must be written before it can be said that it was.
   * @throws problem, and whatever a bug throws
   */
  answer(request: PlainRequest): PlainAnswer | ServedAddress | Promise<PlainAnswer>
  /** In the form that those who call it read. */
  refuse(known: Problem, requestId: string): PlainAnswer
}

/** What hears of every request that was answered. */
export type OnAnswered = (answered: {
  route: string
  method: string
  status: number
  seconds: number
  requestId: string
  path: string
}) => void

const PREFIX = '/apps/'
const JSON_TYPE = /^application\/json\s*(?:;|$)/i

/**
 * Serves devices straight from node:http, with its own parser. All that comes in one turn of the event loop is answered
 * together and written last: one wake-up and one write for each request cost more than its decision.
 */
export function createDeviceLane({
  limits,
  origins,
  publicUrl,
  newRequestId,
  serveFramework,
  onAnswered,
  onEveryAnswer,
  log,
}: {
  limits: DeviceLimits
  origins: ClientOrigins
  publicUrl: PublicUrl
  newRequestId: () => string
  /** What the framework has at an address. */
  serveFramework: (request: IncomingMessage, response: ServerResponse) => void
  /** Of what was refused. */
  onAnswered: OnAnswered
  /** Of all, when somebody wants to hear that: it is much. */
  onEveryAnswer?: OnAnswered | undefined
  log: Log
}) {
  const addresses = createAddressTable<LaneRoute>()
  const packer = createBodyPacker({
    onFailed: (error) => log.warn({ err: error }, 'an answer could not be compressed'),
  })
  let turn: Exchange[] = []
  let isClosed = false

  /** @throws when two want the same address */
  function mount(routes: readonly LaneRoute[]): void {
    for (const route of routes) addresses.add(route)
    const crossOrigin = Map.groupBy(
      routes.filter((route) => route.isCrossOrigin),
      ({ path }) => path,
    )
    for (const [first, ...others] of crossOrigin.values()) if (first) addresses.add(preflightOf(first, others))
  }

  /**
   * @param refusal what is answered whatever is asked
   * @returns false when it is none of a device: then it is the framework's
   */
  function take(request: IncomingMessage, response: ServerResponse, refusal?: Problem): boolean {
    const { url: target = '', method = '' } = request
    const url = target.startsWith('/') ? target : originForm(target)
    const queryAt = url.indexOf('?')
    const path = queryAt === -1 ? url : url.slice(0, queryAt)
    let appName: string | undefined
    let found = addresses.find(path)
    if (!found && path.startsWith(PREFIX)) {
      const nameEnd = path.indexOf('/', PREFIX.length)
      found = nameEnd === -1 ? undefined : addresses.find(path.slice(nameEnd))
      appName = found && decodeWord(path.slice(PREFIX.length, nameEnd))
      if (appName === undefined) return false
    }
    const route = found?.byMethod[method === 'HEAD' ? 'GET' : method]
    if (!found || !route || isClosed) return false
    const { params } = found
    const search = queryAt === -1 ? '' : url.slice(queryAt + 1)
    const taken = { route, params, request, response, fullPath: path, appName, search }
    begin(new Exchange(taken, publicUrlOf), refusal)
    return true
  }

  function publicUrlOf(request: IncomingMessage): string {
    return publicUrl(origins.originOf(request))
  }

  function begin(exchange: Exchange, refusal: Problem | undefined): void {
    const { request } = exchange
    // Reset before it was looked at: there is nobody to answer.
    if (request.socket.destroyed || request.socket.remoteAddress === undefined) return
    exchange.address = origins.addressOf(request)
    const { isDownload } = exchange.route
    // Node has seen to it that there are no two that differ of those that say how long a body is.
    const { 'content-length': declared, 'transfer-encoding': coding } = request.headers
    try {
      if (!isDownload) limits.admitRequest(exchange.address, declared === undefined ? undefined : Number(declared))
      if (refusal) return refuseUnread(exchange, refusal)
      // What does not end in chunks is no request to node.
      if (coding !== undefined && /,\s*chunked\s*$/i.test(coding)) {
        const found = `Expected "transfer-encoding: chunked" alone, found "${coding.slice(0, 100)}".`
        return refuseUnread(exchange, problem('invalid-request', found))
      }
    } catch (error) {
      exchange.refusal = error
      return queue(exchange)
    }
    if (coding !== undefined || Number(declared ?? 0) > 0) readBody(exchange, declared)
    else queue(exchange)
  }

  function readBody(exchange: Exchange, declared: string | undefined): void {
    const { request, route } = exchange
    if (Number(declared ?? 0) > route.maxBodyBytes) return refuseBody(exchange)
    const chunks: Buffer[] = []
    let sizeBytes = 0
    request.on('data', (chunk: Buffer) => {
      if (exchange.refusal !== undefined) return
      sizeBytes += chunk.length
      if (sizeBytes > route.maxBodyBytes) return refuseBody(exchange)
      chunks.push(chunk)
    })
    request.on('end', () => {
      if (exchange.refusal !== undefined) return
      exchange.bytes = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
      try {
        if (declared === undefined) limits.admitBody(exchange.address, sizeBytes)
      } catch (error) {
        exchange.refusal = error
      }
      queue(exchange)
    })
  }

  function refuseBody(exchange: Exchange): void {
    const { maxBodyBytes } = exchange.route
    refuseUnread(exchange, problem('body-too-large', `Expected at most ${maxBodyBytes} bytes.`))
  }

  /** Whatever else comes is not waited for. */
  function refuseUnread(exchange: Exchange, refusal: Problem): void {
    exchange.refusal = refusal
    exchange.isLast = true
    queue(exchange)
  }

  function queue(exchange: Exchange): void {
    if (turn.push(exchange) === 1) setImmediate(answerTurn)
  }

  function answerTurn(): void {
    const exchanges = turn
    turn = []
    for (const exchange of exchanges) exchange.answer = answer(exchange)
    for (const exchange of exchanges) {
      const { answer } = exchange
      if (answer instanceof Promise) void answer.then((late) => deliver(exchange, late))
      else if (answer) deliver(exchange, answer)
    }
  }

  /** Never throws, and never rejects. */
  function answer(exchange: Exchange): PlainAnswer | ServedAddress | Promise<PlainAnswer> {
    try {
      if (exchange.refusal !== undefined) return refuse(exchange, exchange.refusal)
      exchange.readJson()
      const answer = exchange.route.answer(exchange)
      return answer instanceof Promise ? answer.catch((error: unknown) => refuse(exchange, error)) : answer
    } catch (error) {
      return refuse(exchange, error)
    }
  }

  /** One that fails harms no other. */
  function refuse(exchange: Exchange, error: unknown): PlainAnswer {
    const requestId = exchange.idFrom(newRequestId)
    const known = error instanceof Problem ? error : translateOutage(error)
    if (known && known !== error) log.warn({ err: error, reqId: requestId }, 'the database cannot be used now')
    try {
      if (known) return exchange.route.refuse(known, requestId)
      log.error({ err: error, reqId: requestId }, 'request failed')
    } catch (bug) {
      log.error({ err: bug, reqId: requestId }, 'a refusal could not be written')
    }
    const headers = ['content-type', PROBLEM_CONTENT_TYPE, 'cache-control', 'no-store']
    return { status: 500, headers, body: renderUnexpected(requestId) }
  }

  /** What cannot be written, such as a header with a character that none may have, ends its own connection only. */
  function deliver(exchange: Exchange, answer: PlainAnswer | ServedAddress): void {
    try {
      if ('servedFrom' in answer) serveFrom(exchange, answer)
      else write(exchange, answer)
    } catch (error) {
      log.error({ err: error, reqId: exchange.idFrom(newRequestId) }, 'an answer could not be written')
      exchange.response.destroy()
    }
  }

  function write(exchange: Exchange, { status, headers, body }: PlainAnswer): void {
    const { request, response, route, params, fullPath, appName } = exchange
    // Whoever is gone, or was cut off for dripping, needs no answer.
    if (response.destroyed || response.headersSent) return
    const all = [...headers]
    const content = contentOf(body, request, all)
    // RFC 9110 §8.6: where there is no content, nothing says how long it is.
    if (status !== 204 && status !== 304) all.push('content-length', String(Buffer.byteLength(content)))
    if (route.isCrossOrigin) all.push(...CROSS_ORIGIN)
    if (exchange.isLast || isClosed) all.push('connection', 'close')
    response.writeHead(status, all)
    if (request.method === 'HEAD') response.end()
    else response.end(content)
    // Answered checks are most of the traffic, and are counted by what was decided.
    if (status < 400 && !onEveryAnswer) return
    const routePath = appName === undefined ? route.path : `/apps/:slug${route.path}`
    const answered = {
      route: routePath,
      method: request.method ?? '',
      status,
      seconds: (performance.now() - exchange.startedAt) / 1000,
      requestId: exchange.idFrom(newRequestId),
      // A word may be a key, which no log is to have.
      path: Object.keys(params).length === 0 ? fullPath : routePath,
    }
    onEveryAnswer?.(answered)
    if (status >= 400) onAnswered(answered)
  }

  /** What is sent of it; how that is compressed comes to the headers. */
  function contentOf(body: Body, { headers }: IncomingMessage, all: string[]): string | Buffer {
    if (typeof body === 'string') return body
    const { bytes, coding } = packer.bytesFor(body, headers['accept-encoding']?.toString())
    all.push('vary', 'accept-encoding')
    if (coding !== undefined) all.push('content-encoding', coding)
    return bytes
  }

  function serveFrom({ request, response }: Exchange, { servedFrom, status = 200, headers = [] }: ServedAddress): void {
    response.statusCode = status
    for (let at = 0; at < headers.length; at += 2) response.setHeader(headers[at] ?? '', headers[at + 1] ?? '')
    request.url = servedFrom
    serveFramework(request, response)
  }

  /** From here on whatever comes is the framework's, which says that the server stops. */
  function close(): void {
    isClosed = true
  }

  return { mount, take, close }
}

/** No cookie and no login counts here: what a page is told, everybody is told who has the key. */
const CROSS_ORIGIN = ['access-control-allow-origin', '*', 'access-control-expose-headers', 'retry-after']

const ASKED_HEADERS = 'content-type, x-app-key, x-device-token'

/** What a browser asks before a page may ask: the Fetch standard's CORS preflight. */
function preflightOf(first: LaneRoute, others: readonly LaneRoute[]): LaneRoute {
  const methods = [first, ...others].map(({ method }) => method).join(', ')
  const allowed = ['access-control-allow-methods', methods, 'access-control-allow-headers', ASKED_HEADERS]
  const headers = [...allowed, 'access-control-max-age', '86400']
  return { ...first, method: 'OPTIONS', maxBodyBytes: 0, answer: () => ({ status: 200, headers, body: '' }) }
}

/** A request that is the lane's. */
interface Taken {
  route: LaneRoute
  params: Readonly<Record<string, string>>
  request: IncomingMessage
  response: ServerResponse
  /** With the prefix that names an app. */
  fullPath: string
  appName: string | undefined
  search: string
}

/** One request and its answer. */
class Exchange implements PlainRequest {
  readonly startedAt = performance.now()
  address = ''
  bytes: Buffer | undefined
  body: unknown
  refusal: unknown
  answer: PlainAnswer | ServedAddress | Promise<PlainAnswer> | undefined
  isLast = false
  readonly method: string
  readonly route: LaneRoute
  readonly params: Readonly<Record<string, string>>
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly fullPath: string
  readonly appName: string | undefined
  readonly search: string
  readonly #publicUrlOf: (request: IncomingMessage) => string
  #query: Record<string, unknown> | undefined
  #id: string | undefined

  constructor(taken: Taken, publicUrlOf: (request: IncomingMessage) => string) {
    this.method = taken.route.method
    this.route = taken.route
    this.params = taken.params
    this.request = taken.request
    this.response = taken.response
    this.fullPath = taken.fullPath
    this.appName = taken.appName
    this.search = taken.search
    this.#publicUrlOf = publicUrlOf
  }

  get path(): string {
    return this.route.path
  }

  get query(): Readonly<Record<string, unknown>> {
    return (this.#query ??= parseQuery(this.search))
  }

  get bodyBytes(): number {
    return this.bytes?.length ?? 0
  }

  get publicUrl(): string {
    return this.#publicUrlOf(this.request)
  }

  header(name: string): string | undefined {
    const { headers, rawHeaders } = this.request
    const value = headers[name]
    if (value === undefined) return undefined
    // Which of two counts, a proxy may see otherwise than this server; `headers` has joined them, or has one of them.
    if (typeof value === 'string' && countHeaders(rawHeaders, name) === 1) return value
    throw problem('invalid-request', `Expected the header ${name} once, found more of them.`)
  }

  idFrom(newRequestId: () => string): string {
    return (this.#id ??= newRequestId())
  }

  /**
   * Some clients send a JSON body with GET, and say nothing of its type.
   * @throws problem unsupported-media-type or malformed-json
   */
  readJson(): void {
    const type = this.header('content-type')
    if (this.method !== 'GET' && type !== undefined && !JSON_TYPE.test(type)) {
      throw problem('unsupported-media-type', `Expected application/json, found ${type.slice(0, 100)}.`)
    }
    if (this.bytes === undefined) {
      if (this.method === 'GET' || this.method === 'DELETE' || type === undefined) return
      throw problem('malformed-json', 'Expected JSON, found an empty body.')
    }
    if (this.method !== 'GET' && type === undefined) {
      throw problem('unsupported-media-type', 'Expected the header "content-type: application/json", found none.')
    }
    try {
      this.body = parseJson(this.bytes.toString('utf8'))
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause
      const found = this.method === 'GET' ? 'Expected JSON in the body, or no body.' : cause.message
      throw problem('malformed-json', found, {}, { cause })
    }
  }
}

/** `rawHeaders` has names and values by turns. */
function countHeaders(rawHeaders: readonly string[], name: string): number {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const found = rawHeaders[index]
    if (found?.length === name.length && found.toLowerCase() === name) count++
  }
  return count
}

/** RFC 9112 §3.2.2: a server takes a target with its scheme and host, too. */
function originForm(target: string): string {
  const rest = target.replace(/^https?:\/\/[^/?#]*/i, '')
  return rest === target || rest.startsWith('/') ? rest : `/${rest}`
}
