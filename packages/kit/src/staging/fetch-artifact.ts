import {
  backOff,
  concat,
  isAllowedAddress,
  mayLeadTo,
  messageOf,
  resolveLocation,
  retryAfter,
  sleep,
  within,
  type AllowInsecure,
  type ClockPort,
  type HttpExchange,
  type HttpPort,
  type HttpResponse,
  type Stopped,
} from '@hotpatch/device-ground'
import type { FilesPort } from '@hotpatch/device-ground'
import { KitError } from '../ground/kit-error.ts'
import { beginPart, discardPart, partPath, readPart, type Part, type Wanted } from './artifact-files.ts'
import type { StagingLimits } from './staging-limits.ts'

export interface FetchContext {
  disk: FilesPort
  http: Pick<HttpPort, 'open'>
  clock: ClockPort
  allowInsecure: AllowInsecure
  limits: StagingLimits
  stopped: Stopped | undefined
  /** By the clock that nobody sets. */
  deadline: number
  /** How much of this artifact is there. */
  onProgress: (receivedBytes: number) => void
}

/** Of what may go better the next time. */
class Interrupted extends Error {
  override name = 'Interrupted'
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: { retryAfterMs?: number | undefined; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.retryAfterMs = options.retryAfterMs
  }
}

const WRITE_BYTES = 256 * 1024

/**
 * Kits §7.6: resolves when the part has as many bytes as it should. It goes on where an earlier try, or an earlier
 * process, was interrupted. What comes is believed after it was hashed, not here.
 * @throws KitError download-failed, stopped; and what the disk says
 */
export async function fetchArtifact(url: string, wanted: Wanted, context: FetchContext): Promise<void> {
  const { disk, clock, limits, stopped, deadline } = context
  for (let attempt = 0; ;) {
    const part = await readPart(disk, wanted)
    context.onProgress(part.offset)
    if (part.offset === wanted.sizeBytes) return
    try {
      await fetchRest(url, wanted, part, context)
    } catch (cause) {
      if (!(cause instanceof Interrupted)) throw cause
      if (stopped?.isStopped()) throw new KitError('stopped', 'stopped while it was downloading', { cause })
      // Who got on is not given up on: a line that breaks every minute ends a large download, too.
      const isFurther = (await readPart(disk, wanted)).offset > part.offset
      attempt = isFurther ? 0 : attempt + 1
      const wait = cause.retryAfterMs ?? backOff(clock, attempt, limits)
      const isOver = attempt >= limits.attempts || clock.elapsed() + wait >= deadline
      if (isOver) throw new KitError('download-failed', `${shown(url)}: ${cause.message}`, { cause })
      await sleep(clock, wait, stopped)
    }
  }
}

async function fetchRest(first: string, wanted: Wanted, part: Part, context: FetchContext): Promise<void> {
  const { exchange, response } = await open(first, part, context)
  const forget = context.stopped?.onStop(() => exchange.abort())
  try {
    const offset = await acceptResponse(wanted, part, response, context)
    await receive(wanted, { offset, exchange, response }, context)
  } finally {
    forget?.()
    exchange.abort()
  }
}

/** A redirect is followed only to where a first request would be allowed to go. */
async function open(
  first: string,
  { offset, etag }: Part,
  context: FetchContext,
): Promise<{ exchange: HttpExchange; response: HttpResponse }> {
  const { http, limits, allowInsecure, stopped } = context
  const headers = {
    'accept-encoding': 'identity',
    ...(offset > 0 && { range: `bytes=${offset}-` }),
    ...(offset > 0 && etag !== '' && { 'if-range': etag }),
  }
  if (!isAllowedAddress(first, allowInsecure)) {
    throw new KitError('download-failed', `expected an address with https:, found ${shown(first)}`)
  }
  let url = first
  for (let redirects = 0; redirects <= limits.redirects; redirects += 1) {
    if (stopped?.isStopped()) throw new KitError('stopped', 'stopped before it was downloaded')
    const exchange = http.open({ method: 'GET', url, headers })
    const forget = stopped?.onStop(() => exchange.abort())
    const response = await patiently(exchange, context, exchange.response).finally(forget)
    if (response.status < 300 || response.status >= 400) return { exchange, response }
    exchange.abort()
    const location = resolveLocation(url, response.headers.location)
    if (location === undefined) throw new KitError('download-failed', `${shown(url)} leads nowhere`)
    if (!mayLeadTo(url, location, allowInsecure)) {
      const message = `${shown(url)} leads to ${shown(location)}, expected an address with https:`
      throw new KitError('download-failed', message)
    }
    url = location
  }
  throw new KitError('download-failed', `${shown(first)} leads on more than ${limits.redirects} times`)
}

/** Where the body's first byte belongs. */
async function acceptResponse(
  wanted: Wanted,
  { offset, etag }: Part,
  { status, headers }: HttpResponse,
  { disk, clock, limits }: FetchContext,
): Promise<number> {
  if (status === 416) {
    await discardPart(disk, wanted.sha256)
    throw new Interrupted('the server has less than was downloaded of it before')
  }
  if (status === 408 || status === 429 || status >= 500) {
    const retryAfterMs = retryAfter(headers, clock.now(), limits.retryAfterMaxMs)
    throw new Interrupted(`the server answered ${status}`, { retryAfterMs })
  }
  if (status !== 200 && status !== 206) throw new KitError('download-failed', `the server answered ${status}`)
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') throw new KitError('download-failed', `it came encoded as ${encoding}`)
  if (status === 200) {
    await beginPart(disk, wanted, headers.etag)
    return 0
  }
  const isSame = headers['content-range'] === `bytes ${offset}-${wanted.sizeBytes - 1}/${wanted.sizeBytes}`
  const isOfIt = etag === '' || (headers.etag ?? etag) === etag
  if (offset > 0 && isSame && isOfIt) return offset
  await discardPart(disk, wanted.sha256)
  throw new Interrupted(`that is not the rest of it: ${headers['content-range']}`)
}

interface Incoming {
  offset: number
  exchange: HttpExchange
  response: HttpResponse
}

async function receive(wanted: Wanted, { offset: from, exchange, response }: Incoming, context: FetchContext) {
  const { disk, onProgress } = context
  const path = partPath(wanted.sha256)
  const body = response.body[Symbol.asyncIterator]()
  let offset = from
  let held: Uint8Array[] = []
  let heldBytes = 0
  const flush = async () => {
    if (heldBytes === 0) return
    await disk.append(path, offset, concat(held))
    offset += heldBytes
    held = []
    heldBytes = 0
    onProgress(offset)
  }
  let broke: unknown
  for (;;) {
    const next = await patiently(exchange, context, body.next()).catch((cause: unknown) => {
      broke = cause
    })
    if (!next || next.done) break
    // Never more than was signed is kept, whatever the headers said.
    if (offset + heldBytes + next.value.length > wanted.sizeBytes) {
      await discardPart(disk, wanted.sha256)
      throw new KitError('hash-mismatch', `more than the signed ${wanted.sizeBytes} bytes came`)
    }
    held.push(next.value)
    heldBytes += next.value.length
    if (heldBytes >= WRITE_BYTES) await flush()
    if (context.stopped?.isStopped()) break
  }
  // What has arrived is worth keeping, however it ended.
  await flush()
  if (context.stopped?.isStopped()) throw new KitError('stopped', 'stopped while it was downloading')
  if (broke !== undefined) throw broke
  if (offset < wanted.sizeBytes) throw new Interrupted(`${offset} of ${wanted.sizeBytes} bytes came`)
}

/** Bounded by the silence that is allowed, and by what is left of the whole time. */
async function patiently<T>(
  exchange: HttpExchange,
  { clock, limits, deadline }: FetchContext,
  work: Promise<T>,
): Promise<T> {
  const ms = Math.max(0, Math.min(limits.idleTimeoutMs, deadline - clock.elapsed()))
  try {
    return await within(clock, { ms, what: 'the next piece', abort: () => exchange.abort() }, work)
  } catch (cause) {
    throw new Interrupted(`the connection failed: ${messageOf(cause)}`, { cause })
  }
}

function shown(url: string): string {
  return url.slice(0, 200)
}
