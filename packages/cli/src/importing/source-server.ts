import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseJson } from '@hotpatch/protocol'
import { checkUrl } from '../config/connection.ts'
import { proxiedFetch } from '../config/proxy.ts'
import { BUNDLE_LIMITS } from '../content/folder/bundle-files.ts'
import { CommandError, rootReason } from '../errors/errors.ts'
import { createProgress } from '../output/progress.ts'
import { formatBytes } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'

/** What another server has of an app's history is text of some megabytes at most. */
const MAX_JSON_BYTES = 64 * 1024 * 1024
const IDLE_MS = 60_000
const MAX_REDIRECTS = 5

/** A server that is imported from. It is asked, and never told anything; what it answers is nobody's word. */
export function openSourceServer(context: CliContext, from: string, token: string | undefined, accept: string) {
  const base = checkUrl({ value: from, source: '--from' })
  const origin = new URL(base)

  /**
   * @param read makes of its answer what is needed of it
   * @throws CommandError source-unreadable or source-refused
   */
  async function read<Answer>(path: string, read: (json: unknown) => Answer): Promise<Answer> {
    const url = `${base}${path}`
    return withinIdleLimit(
      context,
      async (signal, alive) => read(parseJson(await readText(url, signal, alive))),
      `${shown(url)} cannot be read`,
    )
  }

  async function readText(url: string, signal: AbortSignal, alive: () => void): Promise<string> {
    // It is told the token: nobody else is, wherever an answer leads.
    const headers = { accept, ...(token !== undefined && { authorization: `Bearer ${token}` }) }
    const response = await proxiedFetch(context.env, url)(url, { signal, headers, redirect: 'error' })
    if (response.status === 401 || response.status === 403) {
      await response.body?.cancel()
      const message = `${shown(url)} answers ${response.status}: it does not take the access key, or wants one.`
      throw new CommandError('source-refused', message)
    }
    if (!response.ok || !response.body) throw new Error(`it answers ${response.status}`)
    const chunks: Uint8Array[] = []
    let sizeBytes = 0
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      alive()
      sizeBytes += chunk.length
      if (sizeBytes > MAX_JSON_BYTES) throw new Error(`its answer has more than ${formatBytes(MAX_JSON_BYTES)}`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  }

  /** By https only, unless the source itself is reached by http: then on its own machine. */
  function isAllowed(url: URL): boolean {
    if (url.username !== '' || url.password !== '') return false
    if (url.protocol === 'https:') return true
    return url.protocol === 'http:' && origin.protocol === 'http:' && url.hostname === origin.hostname
  }

  return { base, read, download: (address: string, path: string) => download(context, address, path, isAllowed) }
}

/** Of bytes that lie at an address that only somebody's data names: by https. */
export function downloadByHttps(context: CliContext, address: string, path: string): Promise<void> {
  const isAllowed = (url: URL) => url.protocol === 'https:' && url.username === '' && url.password === ''
  return download(context, address, path, isAllowed)
}

/**
 * Without the token, which is the source's own: the bytes lie where an answer says.
 * @throws CommandError package-unreadable
 */
async function download(
  context: CliContext,
  address: string,
  path: string,
  isAllowed: (url: URL) => boolean,
): Promise<void> {
  const run = async (signal: AbortSignal, alive: () => void) => {
    const response = await follow(context, address, signal, isAllowed)
    if (!response.ok || !response.body) throw new Error(`it answers ${response.status}`)
    const progress = createProgress(context, 'Fetching', Number(response.headers.get('content-length') ?? 0))
    let sizeBytes = 0
    async function* bounded(body: AsyncIterable<Uint8Array>) {
      for await (const chunk of body) {
        alive()
        sizeBytes += chunk.length
        if (sizeBytes > BUNDLE_LIMITS.totalBytes) {
          throw new Error(`it has more than ${formatBytes(BUNDLE_LIMITS.totalBytes)}`)
        }
        progress.advanceTo(sizeBytes)
        yield chunk
      }
    }
    try {
      const body = Readable.from(bounded(response.body as AsyncIterable<Uint8Array>))
      await pipeline(body, createWriteStream(path, { mode: 0o600 }), { signal })
    } finally {
      progress.stop()
    }
  }
  await withinIdleLimit(context, run, `${shown(address)} cannot be fetched`, 'package-unreadable')
}

async function follow(
  context: CliContext,
  from: string,
  signal: AbortSignal,
  isAllowed: (url: URL) => boolean,
): Promise<Response> {
  let url = URL.parse(from)
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    if (!url || !isAllowed(url)) throw new Error('it is no address by https without a name or a password')
    const headers = { 'accept-encoding': 'identity' }
    const response = await proxiedFetch(context.env, url.href)(url.href, { signal, headers, redirect: 'manual' })
    const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null
    if (location === null) return response
    await response.body?.cancel()
    url = URL.parse(location, url.href)
  }
  throw new Error(`it has more than ${MAX_REDIRECTS} redirects`)
}

async function withinIdleLimit<Result>(
  context: CliContext,
  use: (signal: AbortSignal, alive: () => void) => Promise<Result>,
  what: string,
  type = 'source-unreadable',
): Promise<Result> {
  const idle = new AbortController()
  const timer = setTimeout(() => idle.abort(new Error(`nothing came for ${IDLE_MS / 1000} s`)), IDLE_MS)
  try {
    return await use(AbortSignal.any([context.signal, idle.signal]), () => timer.refresh())
  } catch (cause) {
    if (cause instanceof CommandError || context.signal.aborted) throw cause
    throw new CommandError(type, `${what}: ${rootReason(cause)}.`, { cause })
  } finally {
    clearTimeout(timer)
  }
}

/** What stands behind the "?" may be a signature that lets people in. */
function shown(address: string): string {
  const url = URL.parse(address)
  return url ? `${url.origin}${url.pathname}` : 'The address'
}
