import { readInteger, readObject, readString } from '@hotpatch/protocol'
import { isAllowedAddress, resolveLocation } from '../ground/addresses.ts'
import { concat } from '../ground/bytes.ts'
import type { Offer } from '../server/check-answer.ts'
import { backoff, retryAfter, sleep, within } from '../ground/exchange.ts'
import { readJson, writeJson } from '../ground/json-file.ts'
import type { HttpExchange, HttpResponse, Ports } from '../ground/ports.ts'
import { hashFile } from '../state/release-tree.ts'
import type { Settings } from '../ground/settings.ts'
import { PENDING, PENDING_DOWNLOAD, PENDING_ZIP } from '../state/storage-layout.ts'
import { asUpdateError, isFinalStatus, messageOf, UpdateError } from '../ground/update-error.ts'

type Wanted = Pick<Offer, 'releaseId' | 'bundleUrl' | 'sha256' | 'sizeBytes'>
type DownloadPorts = Pick<Ports, 'files' | 'http' | 'crypto' | 'clock'>

interface DownloadContext {
  ports: DownloadPorts
  settings: Pick<Settings, 'limits' | 'allowInsecure'>
  /** How much of the bundle is there. */
  onProgress: (receivedBytes: number) => void
}

interface CountingContext extends DownloadContext {
  /** How much came just now. */
  onReceived: (bytes: number) => void
}

/** ota/pending/download.json: what ota/pending/bundle.zip is a part of. */
interface Partial {
  sha256: string
  sizeBytes: number
  etag: string
}

const WRITE_BYTES = 256 * 1024

export interface Downloaded {
  isResumed: boolean
  /** Over the network, in this call and in the attempts that it resumed. */
  receivedBytes: number
}

/**
 * Engine §5: fetches exactly the announced bytes into ota/pending/bundle.zip, going on where an earlier attempt,
 * or an earlier process, was interrupted. What a power cut takes of them is fetched again; nothing is said yet about what they are.
 */
export async function download(wanted: Wanted, context: DownloadContext): Promise<Downloaded> {
  const { ports, settings } = context
  const { limits } = settings
  await makeRoom(wanted, context)
  let receivedBytes = (await readPartial(wanted, ports)).offset
  const isResumed = receivedBytes > 0
  const counting = {
    ...context,
    onReceived: (bytes: number) => {
      receivedBytes += bytes
    },
  }
  const deadline = ports.clock.elapsed() + limits.downloadTimeoutMs
  for (let attempt = 0; ; attempt += 1) {
    try {
      await fetchRest(wanted, deadline, counting)
      return { isResumed, receivedBytes }
    } catch (cause) {
      const error = asUpdateError(cause)
      const wait = error.retryAfterMs ?? backoff(ports.clock, attempt, limits)
      if (!mayHelp(error) || attempt + 1 >= limits.attempts || ports.clock.elapsed() + wait >= deadline) throw error
      await sleep(ports.clock, wait)
    }
  }
}

export async function discardDownload({ files }: Pick<DownloadPorts, 'files'>): Promise<void> {
  await files.remove(PENDING_DOWNLOAD)
  await files.remove(PENDING_ZIP)
}

/** @throws UpdateError 'hash-mismatch'; judged by what is on the disk, not by what passed by */
export async function verifyDownload(wanted: Wanted, ports: DownloadPorts): Promise<void> {
  const found = await hashFile(ports, PENDING_ZIP, wanted.sizeBytes)
  if (found !== wanted.sha256) {
    throw new UpdateError('hash-mismatch', `the bundle has the hash ${found}, announced was ${wanted.sha256}`)
  }
}

async function makeRoom({ sizeBytes }: Wanted, { ports: { files }, settings }: DownloadContext): Promise<void> {
  if (sizeBytes > settings.limits.bundleBytes) {
    throw new UpdateError(
      'download-too-large',
      `${sizeBytes} bytes are more than the limit ${settings.limits.bundleBytes}`,
    )
  }
  await files.makeDirectory(PENDING)
  const free = await files.freeBytes?.()
  if (free !== undefined && free < sizeBytes) {
    throw new UpdateError('storage-full', `${free} bytes are free, the bundle has ${sizeBytes}`)
  }
}

/** Whether asking again within the same call can help. */
function mayHelp(error: UpdateError): boolean {
  const retried = ['download-failed', 'download-truncated', 'download-timeout']
  return retried.includes(error.code) && !isFinalStatus(error.status ?? 0)
}

async function fetchRest(wanted: Wanted, deadline: number, context: CountingContext): Promise<void> {
  const partial = await readPartial(wanted, context.ports)
  if (partial.offset === wanted.sizeBytes) return
  const { exchange, response } = await open(wanted, partial, deadline, context)
  try {
    const offset = await acceptResponse(wanted, partial, response, context)
    await receive(wanted, { offset, deadline, exchange, response }, context)
  } finally {
    exchange.abort()
  }
}

/** Only bytes that were announced with the same hash, under a strong ETag, are worth resuming. */
async function readPartial(wanted: Wanted, { files }: DownloadPorts): Promise<{ offset: number; etag: string }> {
  const found = await readJson(files, PENDING_DOWNLOAD, readPartialFile)
  const stat = await files.stat(PENDING_ZIP)
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
  deadline: number,
  { ports: { http, clock }, settings }: DownloadContext,
): Promise<{ exchange: HttpExchange; response: HttpResponse }> {
  const headers = {
    'accept-encoding': 'identity',
    ...(offset > 0 && { range: `bytes=${offset}-`, 'if-range': etag }),
  }
  let url = wanted.bundleUrl
  for (let redirects = 0; redirects <= settings.limits.redirects; redirects += 1) {
    if (!isAllowedAddress(url, settings.allowInsecure)) {
      throw new UpdateError('insecure-url', `the bundle's address is not https: ${url.slice(0, 200)}`)
    }
    const exchange = http.open({ method: 'GET', url, headers })
    const response = await patiently(exchange, deadline, clock, settings, exchange.response)
    if (response.status < 300 || response.status >= 400) return { exchange, response }
    exchange.abort()
    const location = resolveLocation(url, response.headers.location)
    if (!location) throw new UpdateError('download-failed', `a redirect leads nowhere (from ${url.slice(0, 200)})`)
    url = location
  }
  throw new UpdateError('download-failed', `more than ${settings.limits.redirects} redirects`)
}

/** Where the body's first byte belongs. @throws UpdateError when the response cannot be part of the bundle */
async function acceptResponse(
  wanted: Wanted,
  partial: { offset: number; etag: string },
  { status, headers }: HttpResponse,
  { ports, settings }: DownloadContext,
): Promise<number> {
  if (status !== 200 && status !== 206) {
    if (status === 416) await discardDownload(ports)
    const retryAfterMs = retryAfter(headers, ports.clock.now(), settings.limits.retryAfterMaxMs)
    const details = status === 416 ? { retryAfterMs } : { status, retryAfterMs }
    throw new UpdateError('download-failed', `the bundle's address answered ${status}`, details)
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new UpdateError('download-failed', `the bundle came encoded as ${headers['content-encoding']}`)
  }
  const offset = status === 206 ? partial.offset : 0
  if (status === 206) {
    const range = `bytes ${partial.offset}-${wanted.sizeBytes - 1}/${wanted.sizeBytes}`
    const isSame = headers['content-range'] === range && (headers.etag ?? partial.etag) === partial.etag
    if (!isSame || partial.offset === 0) {
      await discardDownload(ports)
      throw new UpdateError('download-failed', `the range is not the rest of the bundle: ${headers['content-range']}`)
    }
  } else {
    await beginPartial(wanted, headers.etag, ports)
  }
  const length = Number(headers['content-length'] ?? 0)
  if (length > wanted.sizeBytes - offset) throw tooLarge(wanted, `${length} bytes from ${offset} on are coming`)
  return offset
}

async function beginPartial(wanted: Wanted, etag: string | undefined, { files }: DownloadPorts): Promise<void> {
  // The old bytes go before the note says what the new ones are.
  await files.remove(PENDING_ZIP)
  const strong = etag?.startsWith('"') ? etag : ''
  const partial: Partial = { sha256: wanted.sha256, sizeBytes: wanted.sizeBytes, etag: strong }
  await writeJson(files, PENDING_DOWNLOAD, partial)
}

interface Incoming {
  offset: number
  deadline: number
  exchange: HttpExchange
  response: HttpResponse
}

async function receive(wanted: Wanted, incoming: Incoming, context: CountingContext): Promise<void> {
  const { ports, settings, onProgress, onReceived } = context
  const body = incoming.response.body[Symbol.asyncIterator]()
  let offset = incoming.offset
  let held: Uint8Array[] = []
  let heldBytes = 0
  const flush = async () => {
    if (heldBytes === 0) return
    await ports.files.append(PENDING_ZIP, offset, concat(held))
    offset += heldBytes
    onReceived(heldBytes)
    held = []
    heldBytes = 0
    onProgress(offset)
  }
  try {
    for (;;) {
      const next = await patiently(incoming.exchange, incoming.deadline, ports.clock, settings, body.next())
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
    throw new UpdateError('download-truncated', `${offset} of ${wanted.sizeBytes} bytes came`)
  }
}

/** Bounded by the silence that is allowed and by what is left of the whole download's time. */
async function patiently<T>(
  exchange: HttpExchange,
  deadline: number,
  clock: Ports['clock'],
  { limits }: DownloadContext['settings'],
  work: Promise<T>,
): Promise<T> {
  const ms = Math.max(0, Math.min(limits.idleTimeoutMs, deadline - clock.elapsed()))
  const error = () => new UpdateError('download-timeout', `nothing came for ${ms} ms, or the whole took too long`)
  try {
    return await within(clock, ms, work, { abort: () => exchange.abort(), error })
  } catch (cause) {
    if (cause instanceof UpdateError) throw cause
    throw new UpdateError('download-failed', `the connection failed: ${messageOf(cause)}`, { cause })
  }
}

function tooLarge({ sizeBytes }: Wanted, found: string): UpdateError {
  return new UpdateError('download-too-large', `the bundle has ${sizeBytes} bytes as announced, but ${found}`)
}
