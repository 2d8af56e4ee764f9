import type { BundleFolder } from './bundle-folder.ts'
import { BundleUnavailable } from './bundle-folder.ts'
import type { BundleSnapshot } from './bundle-snapshot.ts'

/** Web bundle §1. */
export const MANIFEST_PATH = '/api/v1/native/bundle/manifest'
export const DOWNLOAD_PATH = '/api/v1/native/bundle/download'

/** A request without anything of the framework that it came through. */
export interface BundleRequest {
  method: string
  /** Below wherever this is mounted. */
  path: string
  query: URLSearchParams
  /** By names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface BundleAnswer {
  status: number
  headers: Record<string, string>
  /** Text, or a part of a build's zip. */
  body: string | { snapshot: BundleSnapshot; start: number; end: number }
}

const IMMUTABLE = 'public, max-age=31536000, immutable'
const ONE_RANGE = /^bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))$/i
/** A Capacitor app's own origin is capacitor://localhost or https://localhost: all that is here is public. */
const CROSS_ORIGIN = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'ETag, Content-Length, Content-Range, Accept-Ranges',
}

export function isBundlePath(path: string): boolean {
  return path === MANIFEST_PATH || path === DOWNLOAD_PATH
}

/**
 * The two routes of Web bundle §1, as a function.
 * @param publicUrl where devices reach what this is mounted in; undefined: addresses in the manifest are paths, which
 * devices join with the address that they know
 * @param onUnavailable hears why there is nothing to serve, which devices are not told
 */
export async function answerBundleRequest(
  request: BundleRequest,
  {
    folder,
    publicUrl = '',
    onUnavailable,
  }: { folder: BundleFolder; publicUrl?: string | undefined; onUnavailable: (reason: string) => void },
): Promise<BundleAnswer> {
  const { method, path } = request
  if (method === 'OPTIONS') return preflight()
  if (method !== 'GET' && method !== 'HEAD') {
    return refuse(405, 'METHOD_NOT_ALLOWED', 'Expected GET or HEAD.', { allow: 'GET, HEAD, OPTIONS' })
  }
  try {
    return path === MANIFEST_PATH ? manifestOf(await folder.current(), publicUrl) : await download(request, folder)
  } catch (error) {
    if (!(error instanceof BundleUnavailable)) throw error
    onUnavailable(error.message)
    return notAvailable()
  }
}

/** Web bundle §2. */
function manifestOf(
  { version, checksum, minNativeVersion, signature }: BundleSnapshot,
  publicUrl: string,
): BundleAnswer {
  const url = `${publicUrl}${DOWNLOAD_PATH}?checksum=${checksum}`
  const manifest = { version, url, checksum, minNativeVersion, ...(signature !== undefined && { signature }) }
  return json(200, manifest)
}

async function download(request: BundleRequest, folder: BundleFolder): Promise<BundleAnswer> {
  const checksum = request.query.get('checksum')
  const snapshot = checksum === null ? await folder.current() : await folder.find(checksum)
  // Never other bytes than those that the manifest was about.
  if (!snapshot) return notAvailable()
  const { sizeBytes } = snapshot
  const etag = `"${snapshot.checksum}"`
  const headers = { ...CROSS_ORIGIN, etag, 'cache-control': IMMUTABLE, 'accept-ranges': 'bytes' }
  if (matches(one(request.headers['if-none-match']), etag)) return { status: 304, headers, body: '' }
  const range = readRange(wantedRange(request, etag), sizeBytes)
  if (range === 'unsatisfiable') {
    const place = { 'content-range': `bytes */${sizeBytes}` }
    return refuse(416, 'RANGE_NOT_SATISFIABLE', `Expected a range within ${sizeBytes} bytes.`, place)
  }
  const { start, end } = range ?? { start: 0, end: sizeBytes - 1 }
  const zip = { ...headers, 'content-type': 'application/zip', 'content-length': String(end - start + 1) }
  const body = { snapshot, start, end }
  if (!range) return { status: 200, headers: zip, body }
  return { status: 206, headers: { ...zip, 'content-range': `bytes ${start}-${end}/${sizeBytes}` }, body }
}

/** RFC 9110 §13.1.5: what came before may be of another build. */
function wantedRange({ headers }: BundleRequest, etag: string): string | undefined {
  const condition = one(headers['if-range'])
  return condition === undefined || condition.trim() === etag ? one(headers.range) : undefined
}

/** RFC 9110 §14.2: the one range that is asked for. Undefined is the whole: for what is not understood, and for several. */
function readRange(header: string | undefined, sizeBytes: number) {
  const [, first, last, suffix] = ONE_RANGE.exec(header?.replaceAll(' ', '') ?? '') ?? []
  if (first === undefined && suffix === undefined) return undefined
  const start = first === undefined ? Math.max(0, sizeBytes - Number(suffix)) : Number(first)
  const end = first === undefined || !last ? sizeBytes - 1 : Number(last)
  if (end < start && start < sizeBytes) return undefined
  return start < sizeBytes ? { start, end: Math.min(end, sizeBytes - 1) } : 'unsatisfiable'
}

/** RFC 9110 §13.1.2. */
function matches(header: string | undefined, etag: string): boolean {
  const tags = header?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  return tags.includes(etag) || tags.includes('*')
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}

function preflight(): BundleAnswer {
  const allowed = { 'access-control-allow-methods': 'GET, HEAD', 'access-control-allow-headers': '*' }
  return { status: 204, headers: { ...CROSS_ORIGIN, ...allowed, 'access-control-max-age': '86400' }, body: '' }
}

/** Web bundle §3. */
function notAvailable(): BundleAnswer {
  return refuse(404, 'OTA_BUNDLE_NOT_AVAILABLE', 'There is no bundle here now.')
}

/** Web bundle §4. */
export function refuse(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): BundleAnswer {
  const { headers: own, ...answer } = json(status, { code, message })
  return { ...answer, headers: { ...own, ...headers } }
}

function json(status: number, value: object): BundleAnswer {
  const body = JSON.stringify(value)
  const type = { 'content-type': 'application/json; charset=utf-8', 'content-length': String(Buffer.byteLength(body)) }
  return { status, headers: { ...CROSS_ORIGIN, ...type, 'cache-control': 'no-store' }, body }
}
