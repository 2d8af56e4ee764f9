import { readInteger, readObject, readString } from '@hotpatch/protocol'
import {
  backOff,
  concat,
  type HttpExchange,
  type HttpResponse,
  isAllowedAddress,
  messageOf,
  resolveLocation,
  retryAfter,
  sleep,
  TookTooLongError,
  within,
} from '@hotpatch/device-ground'
import { readJson, writeJson } from '../ground/json-file.ts'
import type { Ports } from '../ground/ports.ts'
import { hashFile } from '../state/release-tree.ts'
import type { Settings } from '../ground/settings.ts'
import { PENDING_DOWNLOAD, PENDING_PATCH, PENDING_PATCH_DOWNLOAD, PENDING_ZIP } from '../state/storage-layout.ts'
import { asUpdateError, isFinalStatus, UpdateError } from '../ground/update-error.ts'

/** Bytes that are known before they come. */
export interface Wanted {
  /** As messages call it. */
  name: string
  url: string
  sha256: string
  sizeBytes: number
}

/** Where they go, and what says which ones they are: without that nothing is gone on with, and nothing noted. */
export interface Place {
  bytes: string
  note: string | null
}

export const BUNDLE: Place = { bytes: PENDING_ZIP, note: PENDING_DOWNLOAD }
export const PATCH: Place = { bytes: PENDING_PATCH, note: PENDING_PATCH_DOWNLOAD }

type DownloadPorts = Pick<Ports, 'files' | 'http' | 'crypto' | 'clock'>

export interface DownloadContext {
  ports: DownloadPorts
  settings: Pick<Settings, 'limits' | 'allowInsecure'>
  /** By the clock's own time; without one a download has all the time that one may have. */
  deadline?: number
  /** How much of it is there. */
  onProgress: (receivedBytes: number) => void
  /** Something else will do: it is not asked for again when nothing of it came. */
  isOptional?: boolean
  /** Whether nobody wants it any more. */
  isStopped?: () => boolean
}

interface CountingContext extends DownloadContext {
  place: Place
  deadline: number
  /** How much came just now. */
  onReceived: (bytes: number) => void
}

/** Such as ota/pending/download.json: what ota/pending/bundle.zip is a part of. */
interface Partial {
  sha256: string
  sizeBytes: number
  etag: string
}

/** Held in memory before they are written. */
const WRITE_BYTES = 256 * 1024

export interface Downloaded {
  isResumed: boolean
  /** Over the network, in this call and in the attempts that it resumed. */
  receivedBytes: number
}

/**
 * Engine §5: fetches exactly the announced bytes into their place, going on where an earlier attempt, or an earlier
 * process, was interrupted. What a power cut takes of them is fetched again; nothing is said yet about what they are.
 */
export async function download(wanted: Wanted, place: Place, context: DownloadContext): Promise<Downloaded> {
  const { ports, settings } = context
  const { limits } = settings
  let receivedBytes = (await readPartial(wanted, place, ports)).offset
  const isResumed = receivedBytes > 0
  const deadline = context.deadline ?? ports.clock.elapsed() + limits.downloadTimeoutMs
  const counting = {
    ...context,
    place,
    deadline,
    onReceived: (bytes: number) => {
      receivedBytes += bytes
    },
  }
  for (let attempt = 0; ; attempt += 1) {
    const before = receivedBytes
    try {
      await fetchRest(wanted, counting)
      return { isResumed, receivedBytes }
    } catch (cause) {
      const error = asUpdateError(cause)
      const wait = error.retryAfterMs ?? backOff(ports.clock, attempt, limits)
      if (
        context.isStopped?.() ||
        (context.isOptional && receivedBytes === before) ||
        !mayHelp(error) ||
        attempt + 1 >= limits.attempts ||
        ports.clock.elapsed() + wait >= deadline
      )
        throw error
      await sleep(ports.clock, wait)
      if (context.isStopped?.()) throw error
    }
  }
}

/** What is still to come of it. */
export async function missingBytes(wanted: Wanted, place: Place, ports: DownloadPorts): Promise<number> {
  return wanted.sizeBytes - (await readPartial(wanted, place, ports)).offset
}

export async function discardDownload({ bytes, note }: Place, { files }: Pick<DownloadPorts, 'files'>): Promise<void> {
  if (note !== null) await files.remove(note)
  await files.remove(bytes)
}

/** @throws UpdateError 'hash-mismatch'; judged by what is on the disk, not by what passed by */
export async function verifyDownload(wanted: Wanted, place: Place, ports: DownloadPorts): Promise<void> {
  const found = await hashFile(ports, place.bytes, wanted.sizeBytes)
  if (found !== wanted.sha256) {
    throw new UpdateError('hash-mismatch', `${wanted.name} has the hash ${found}, announced was ${wanted.sha256}`)
  }
}

/** Whether asking again within the same call can help. */
function mayHelp(error: UpdateError): boolean {
  const retried = ['download-failed', 'download-truncated', 'download-timeout']
  return retried.includes(error.code) && !isFinalStatus(error.status ?? 0)
}

async function fetchRest(wanted: Wanted, context: CountingContext): Promise<void> {
  const partial = await readPartial(wanted, context.place, context.ports)
  if (partial.offset === wanted.sizeBytes) return
  const { exchange, response } = await open(wanted, partial, context)
  try {
    const offset = await acceptResponse(wanted, partial, response, context)
    await receive(wanted, { offset, exchange, response }, context)
  } finally {
    exchange.abort()
  }
}

/** Only bytes that were announced with the same hash, under a strong ETag, are worth resuming. */
async function readPartial(
  wanted: Wanted,
  { bytes, note }: Place,
  { files }: DownloadPorts,
): Promise<{ offset: number; etag: string }> {
  if (note === null) return { offset: 0, etag: '' }
  const found = await readJson(files, note, readPartialFile)
  const stat = await files.stat(bytes)
  const fits = found && found.sha256 === wanted.sha256 && found.sizeBytes === wanted.sizeBytes
  if (!fits || stat?.kind !== 'file' || stat.sizeBytes > wanted.sizeBytes) return { offset: 0, etag: '' }
  const isWhole = stat.sizeBytes === wanted.sizeBytes
  return found.etag || isWhole ? { offset: stat.sizeBytes, etag: found.etag } : { offset: 0, etag: '' }
}

function readPartialFile(value: unknown): Partial {
  const json = readObject(value, '')
  return {
    sha256: readString(json.sha256, '/sha256'),
    sizeBytes: readInteger(json.sizeBytes, '/sizeBytes', 0),
    etag: readString(json.etag, '/etag'),
  }
}

/** Engine §5: a redirect is followed only where a first request would be allowed to go. */
async function open(
  wanted: Wanted,
  { offset, etag }: { offset: number; etag: string },
  context: CountingContext,
): Promise<{ exchange: HttpExchange; response: HttpResponse }> {
  const headers = {
    'accept-encoding': 'identity',
    ...(offset > 0 && { range: `bytes=${offset}-`, 'if-range': etag }),
  }
  const { ports, settings } = context
  let url = wanted.url
  for (let redirects = 0; redirects <= settings.limits.redirects; redirects += 1) {
    if (!isAllowedAddress(url, settings.allowInsecure)) {
      throw new UpdateError('insecure-url', `the address of ${wanted.name} is not https: ${url.slice(0, 200)}`)
    }
    const exchange = ports.http.open({ method: 'GET', url, headers })
    const response = await patiently(exchange, context, exchange.response)
    if (response.status < 300 || response.status >= 400) return { exchange, response }
    exchange.abort()
    const location = resolveLocation(url, response.headers.location)
    if (!location) throw new UpdateError('download-failed', `a redirect leads nowhere (from ${url.slice(0, 200)})`)
    url = location
  }
  throw new UpdateError('download-failed', `more than ${settings.limits.redirects} redirects`)
}

/** Where the body's first byte belongs. @throws UpdateError when the response cannot be part of what is wanted */
async function acceptResponse(
  wanted: Wanted,
  partial: { offset: number; etag: string },
  { status, headers }: HttpResponse,
  { place, ports, settings }: CountingContext,
): Promise<number> {
  if (status !== 200 && status !== 206) {
    if (status === 416) await discardDownload(place, ports)
    const retryAfterMs = retryAfter(headers, ports.clock.now(), settings.limits.retryAfterMaxMs)
    const details = status === 416 ? { retryAfterMs } : { status, retryAfterMs }
    throw new UpdateError('download-failed', `the address of ${wanted.name} answered ${status}`, details)
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new UpdateError('download-failed', `${wanted.name} came encoded as ${headers['content-encoding']}`)
  }
  const offset = status === 206 ? partial.offset : 0
  if (status === 206) {
    const range = `bytes ${partial.offset}-${wanted.sizeBytes - 1}/${wanted.sizeBytes}`
    const isSame = headers['content-range'] === range && (headers.etag ?? partial.etag) === partial.etag
    if (!isSame || partial.offset === 0) {
      await discardDownload(place, ports)
      const range = headers['content-range']
      throw new UpdateError('download-failed', `the range is not the rest of ${wanted.name}: ${range}`)
    }
  } else {
    await beginPartial(wanted, place, headers.etag, ports)
  }
  const length = Number(headers['content-length'] ?? 0)
  if (length > wanted.sizeBytes - offset) throw tooLarge(wanted, `${length} bytes from ${offset} on are coming`)
  return offset
}

async function beginPartial(
  wanted: Wanted,
  { bytes, note }: Place,
  etag: string | undefined,
  { files }: DownloadPorts,
): Promise<void> {
  if (note === null) return
  // The old bytes go before the note says what the new ones are.
  await files.remove(bytes)
  const strong = etag?.startsWith('"') ? etag : ''
  const partial: Partial = { sha256: wanted.sha256, sizeBytes: wanted.sizeBytes, etag: strong }
  await writeJson(files, note, partial)
}

interface Incoming {
  offset: number
  exchange: HttpExchange
  response: HttpResponse
}

async function receive(wanted: Wanted, incoming: Incoming, context: CountingContext): Promise<void> {
  const { place, ports, onProgress, onReceived } = context
  const body = incoming.response.body[Symbol.asyncIterator]()
  let offset = incoming.offset
  let held: Uint8Array[] = []
  let heldBytes = 0
  const flush = async () => {
    if (heldBytes === 0) return
    await ports.files.append(place.bytes, offset, concat(held))
    offset += heldBytes
    onReceived(heldBytes)
    held = []
    heldBytes = 0
    onProgress(offset)
  }
  try {
    for (;;) {
      const next = await patiently(incoming.exchange, context, body.next())
      if (context.isStopped?.()) throw new UpdateError('download-failed', `${wanted.name} is not wanted any more`)
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
  if (offset < wanted.sizeBytes) {
    throw new UpdateError('download-truncated', `${offset} of ${wanted.sizeBytes} bytes of ${wanted.name} came`)
  }
}

/** Bounded by the silence that is allowed and by what is left of the whole download's time. */
async function patiently<T>(
  exchange: HttpExchange,
  { deadline, ports: { clock }, settings: { limits } }: CountingContext,
  work: Promise<T>,
): Promise<T> {
  const ms = Math.max(0, Math.min(limits.idleTimeoutMs, deadline - clock.elapsed()))
  try {
    return await within(clock, { ms, what: 'the next piece', abort: () => exchange.abort() }, work)
  } catch (cause) {
    if (cause instanceof TookTooLongError) {
      throw new UpdateError('download-timeout', `nothing came for ${ms} ms, or the whole took too long`)
    }
    throw new UpdateError('download-failed', `the connection failed: ${messageOf(cause)}`, { cause })
  }
}

function tooLarge({ name, sizeBytes }: Wanted, found: string): UpdateError {
  return new UpdateError('download-too-large', `${name} has ${sizeBytes} bytes as announced, but ${found}`)
}
