import {
  type AllowInsecure,
  backOff,
  concat,
  type HttpExchange,
  type HttpResponse,
  isAllowedAddress,
  messageOf,
  resolveLocation,
  retryAfter,
  sleep,
  type Stopped,
  TookTooLongError,
  within,
} from '@hotpatch/device-ground'
import type { AppUpdate } from '../contract/read-answer.ts'
import { AppUpdateError, asAppUpdateError, mayHelp } from '../ground/app-update-error.ts'
import type { Host } from '../ground/ports.ts'
import type { Limits } from '../ground/settings.ts'
import { beginPart, readPartNote } from './part-note.ts'
import { isVerified } from './verify.ts'

export type Wanted = Pick<AppUpdate, 'url' | 'sizeBytes' | 'sha256' | 'version' | 'versionCode' | 'fileName'>

export interface DownloadContext {
  host: Omit<Host, 'installer'>
  limits: Limits
  allowInsecure: AllowInsecure
  stopped: Stopped
  /** How much of the file is there. */
  onProgress(receivedBytes: number): void
}

/** The user wants no more of it; what came stays. */
export class StoppedError extends Error {
  override name = 'StoppedError'
}

const WRITE_BYTES = 256 * 1024

/**
 * App versions §9: resolves when the part is the whole file, and verified. It goes on where an earlier try, or an earlier
 * process, was interrupted; what is wrong is thrown away.
 * @throws AppUpdateError, StoppedError
 */
export async function download(wanted: Wanted, context: DownloadContext): Promise<void> {
  const { host } = context
  await makeRoom(wanted, context)
  const { isPieced } = await fetchAll(wanted, context)
  if (await isVerified(host, wanted)) return
  await host.part.discard()
  // Somebody may have changed the file between two of its pieces.
  if (isPieced) {
    await fetchAll(wanted, context)
    if (await isVerified(host, wanted)) return
    await host.part.discard()
  }
  throw new AppUpdateError('hash-mismatch', `what came has another SHA-256 than the announced ${wanted.sha256}`)
}

async function makeRoom({ sizeBytes }: Wanted, { host: { part }, limits }: DownloadContext): Promise<void> {
  if (sizeBytes > limits.fileBytes) {
    throw new AppUpdateError('download-too-large', `${sizeBytes} bytes are more than the limit ${limits.fileBytes}`)
  }
  const free = await part.freeBytes?.()
  const there = (await part.sizeBytes()) ?? 0
  if (free !== undefined && free + there < sizeBytes) {
    throw new AppUpdateError('storage-full', `${free} bytes are free, the file has ${sizeBytes}`)
  }
}

/** With its tries. Whether what is there now came in more than one answer. */
async function fetchAll(wanted: Wanted, context: DownloadContext): Promise<{ isPieced: boolean }> {
  const { host, limits, stopped } = context
  const deadline = host.clock.elapsed() + limits.downloadTimeoutMs
  let isPieced = false
  for (let attempt = 0; ; attempt += 1) {
    try {
      for (let answers = 0; ; answers += 1) {
        const { offset, etag } = await readPart(wanted, context)
        context.onProgress(offset)
        const isWhole = offset === wanted.sizeBytes
        // Also one that is whole already: nobody knows any more how it came.
        if (isWhole ? answers === 0 : offset > 0) isPieced = true
        if (isWhole) break
        await fetchRest(wanted, { offset, etag, deadline }, context)
      }
      await host.part.sync()
      return { isPieced }
    } catch (cause) {
      if (stopped.isStopped()) throw new StoppedError('the download was stopped', { cause })
      const error = asAppUpdateError(cause)
      // More than all of it is something else, from wherever it was begun.
      if (error.code === 'download-too-large') await host.part.discard()
      const wait = error.retryAfterMs ?? backOff(host.clock, attempt, limits)
      const isOver = attempt + 1 >= limits.downloadAttempts || host.clock.elapsed() + wait >= deadline
      if (!isWorthAnother(error) || isOver) throw error
      await sleep(host.clock, wait, stopped)
    }
  }
}

function isWorthAnother({ code, status }: AppUpdateError): boolean {
  if (code === 'download-failed') return status === undefined || mayHelp(status)
  return code === 'download-truncated' || code === 'download-timeout'
}

interface Place {
  /** Where the next byte belongs. */
  offset: number
  etag: string
}

/** Only bytes that were announced with the same hash are worth going on with; in the end the hash decides. */
async function readPart(wanted: Wanted, { host: { part } }: DownloadContext): Promise<Place> {
  const note = await readPartNote(part)
  if (note?.sha256 !== wanted.sha256 || note.sizeBytes !== wanted.sizeBytes) return { offset: 0, etag: '' }
  await part.conceal(note.fileName)
  const sizeBytes = (await part.sizeBytes()) ?? 0
  return sizeBytes > wanted.sizeBytes ? { offset: 0, etag: '' } : { offset: sizeBytes, etag: note.etag }
}

type Going = Place & { deadline: number }

async function fetchRest(wanted: Wanted, going: Going, context: DownloadContext): Promise<void> {
  const end = endOf(wanted, going, context)
  const { exchange, response } = await open(wanted, { ...going, end }, context)
  const forget = context.stopped.onStop(() => exchange.abort())
  try {
    const offset = await acceptResponse(wanted, { ...going, end }, response, context)
    await receive(wanted, { offset, deadline: going.deadline, exchange, response }, context)
  } finally {
    forget()
    exchange.abort()
  }
}

/** The last byte that is asked for; undefined where all of the rest is. */
function endOf({ sizeBytes }: Wanted, { offset }: Place, { host }: DownloadContext): number | undefined {
  const { pieceBytes } = host.http
  return pieceBytes === undefined ? undefined : Math.min(offset + pieceBytes, sizeBytes) - 1
}

/** A redirect is followed only where a first request would be allowed to go. */
async function open(
  wanted: Wanted,
  { offset, etag, end, deadline }: Going & { end: number | undefined },
  context: DownloadContext,
): Promise<{ exchange: HttpExchange; response: HttpResponse }> {
  const { host, limits, allowInsecure, stopped } = context
  const isRanged = offset > 0 || end !== undefined
  const headers = {
    'accept-encoding': 'identity',
    ...(isRanged && { range: `bytes=${offset}-${end ?? ''}` }),
    ...(offset > 0 && etag !== '' && { 'if-range': etag }),
  }
  let { url } = wanted
  for (let redirects = 0; redirects <= limits.redirects; redirects += 1) {
    expectAllowed(url, allowInsecure)
    if (stopped.isStopped()) throw new StoppedError('the download was stopped')
    const exchange = host.http.open({ method: 'GET', url, headers })
    const forget = stopped.onStop(() => exchange.abort())
    const response = await patiently(exchange, deadline, context, exchange.response).finally(forget)
    if (response.url !== undefined) expectAllowed(response.url, allowInsecure, exchange)
    if (response.status < 300 || response.status >= 400) return { exchange, response }
    exchange.abort()
    const location = resolveLocation(url, response.headers.location)
    if (!location) throw new AppUpdateError('download-failed', `a redirect leads nowhere (from ${url.slice(0, 200)})`)
    url = location
  }
  throw new AppUpdateError('download-failed', `more than ${limits.redirects} redirects`, { status: 310 })
}

function expectAllowed(url: string, allowInsecure: AllowInsecure, exchange?: HttpExchange): void {
  if (isAllowedAddress(url, allowInsecure)) return
  exchange?.abort()
  throw new AppUpdateError('insecure-url', `the file's address is not https: ${url.slice(0, 200)}`)
}

/** Where the body's first byte belongs. @throws AppUpdateError when the response cannot be part of the file */
async function acceptResponse(
  wanted: Wanted,
  asked: Place & { end: number | undefined },
  { status, headers }: HttpResponse,
  { host, limits }: DownloadContext,
): Promise<number> {
  if (status !== 200 && status !== 206) {
    if (status === 416) await host.part.discard()
    const retryAfterMs = retryAfter(headers, host.clock.now(), limits.retryAfterMaxMs)
    const details = status === 416 ? { retryAfterMs } : { status, retryAfterMs }
    throw new AppUpdateError('download-failed', `the file's address answered ${status}`, details)
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new AppUpdateError('download-failed', `the file came encoded as ${headers['content-encoding']}`)
  }
  const { pieceBytes = Infinity } = host.http
  if (status === 200 && wanted.sizeBytes > pieceBytes) {
    const found = 'the server gives no ranges, and this host would hold the whole file in memory'
    throw new AppUpdateError('download-failed', found, { status })
  }
  if (status === 206) await expectRange(wanted, asked, headers, host)
  const offset = status === 206 ? asked.offset : 0
  if (offset === 0) await beginPart(host.part, noteOf(wanted, headers.etag))
  const length = Number(headers['content-length'] ?? 0)
  if (length > wanted.sizeBytes - offset) throw tooLarge(wanted, `${length} bytes from ${offset} on are coming`)
  return offset
}

async function expectRange(
  { sizeBytes }: Wanted,
  { offset, etag, end = sizeBytes - 1 }: Place & { end: number | undefined },
  headers: HttpResponse['headers'],
  { part, http }: DownloadContext['host'],
): Promise<void> {
  const isAsked = offset > 0 || http.pieceBytes !== undefined
  const isSame = headers['content-range'] === `bytes ${offset}-${end}/${sizeBytes}`
  const isOfIt = offset === 0 || etag === '' || (headers.etag ?? etag) === etag
  if (isAsked && isSame && isOfIt) return
  await part.discard()
  throw new AppUpdateError('download-failed', `that is not the rest of the file: ${headers['content-range']}`)
}

function noteOf({ sha256, sizeBytes, version, versionCode, fileName }: Wanted, etag: string | undefined) {
  const strong = etag?.startsWith('"') ? etag : ''
  return { sha256, sizeBytes, etag: strong, version, versionCode, fileName }
}

interface Incoming {
  offset: number
  deadline: number
  exchange: HttpExchange
  response: HttpResponse
}

async function receive(wanted: Wanted, incoming: Incoming, context: DownloadContext): Promise<void> {
  const { host, onProgress } = context
  const { exchange, deadline, response } = incoming
  const body = response.body[Symbol.asyncIterator]()
  const before = incoming.offset
  let { offset } = incoming
  let held: Uint8Array[] = []
  let heldBytes = 0
  const flush = async () => {
    if (heldBytes === 0) return
    await host.part.append(offset, concat(held))
    offset += heldBytes
    held = []
    heldBytes = 0
    onProgress(offset)
  }
  try {
    for (;;) {
      const next = await patiently(exchange, deadline, context, body.next())
      if (next.done) break
      // Never more than announced is kept, whatever the headers said.
      if (offset + heldBytes + next.value.length > wanted.sizeBytes) throw tooLarge(wanted, 'more bytes came')
      held.push(next.value)
      heldBytes += next.value.length
      if (heldBytes >= WRITE_BYTES) await flush()
    }
  } finally {
    // What has arrived is worth keeping, however it ended; after a full disk this fails again, as it must.
    await flush()
  }
  // A piece is less than the rest; an answer without a byte would be asked for again without end.
  const isPiece = host.http.pieceBytes !== undefined && offset > before
  if (offset < wanted.sizeBytes && !isPiece) {
    throw new AppUpdateError('download-truncated', `${offset} of ${wanted.sizeBytes} bytes came`)
  }
}

/** Bounded by the silence that is allowed and by what is left of the whole download's time. */
async function patiently<T>(
  exchange: HttpExchange,
  deadline: number,
  { host: { clock }, limits }: DownloadContext,
  work: Promise<T>,
): Promise<T> {
  const ms = Math.max(0, Math.min(limits.idleTimeoutMs, deadline - clock.elapsed()))
  try {
    return await within(clock, { ms, what: 'the next piece', abort: () => exchange.abort() }, work)
  } catch (cause) {
    if (cause instanceof TookTooLongError) {
      throw new AppUpdateError('download-timeout', `nothing came for ${ms} ms, or the whole took too long`)
    }
    throw new AppUpdateError('download-failed', `the connection failed: ${messageOf(cause)}`, { cause })
  }
}

function tooLarge({ sizeBytes }: Wanted, found: string): AppUpdateError {
  return new AppUpdateError('download-too-large', `the file has ${sizeBytes} bytes as announced, but ${found}`)
}
