import { createHash } from 'node:crypto'
import { CommandError, UsageError } from '../errors/errors.ts'
import { createProgress } from '../output/progress.ts'
import type { CliContext } from '../process/context.ts'

/** Bytes that lie at an address of somebody else's. */
export interface ElsewhereFile {
  url: string
  name: string
  sha256: string
  sizeBytes: number
}

/** What somebody says that lies there. */
export interface ExpectedBytes {
  sha256?: string | undefined
  sizeBytes?: number | undefined
  /** Takes their word for it, which has to be both. */
  unseen?: boolean | undefined
  name?: string | undefined
}

/** More than any installer has. */
const MAX_BYTES = 8 * 1024 ** 3
const IDLE_MS = 60_000
const MAX_REDIRECTS = 5

/**
 * Fetches the bytes, and keeps none of them: what is published is their digest and size.
 * @throws CommandError url-unreadable or url-differs
 */
export async function fetchElsewhere(
  context: CliContext,
  fetch: typeof globalThis.fetch,
  typed: string,
  expected: ExpectedBytes,
): Promise<ElsewhereFile> {
  const url = addressOf(typed)
  const name = expected.name ?? nameOf(url)
  const { sha256, sizeBytes } = expected
  if (expected.unseen) {
    if (sha256 !== undefined && sizeBytes !== undefined) return { url, name, sha256, sizeBytes }
    throw new UsageError('--no-fetch publishes what --sha256 and --size say: give both.')
  }
  const found = await measure(context, fetch, url, sizeBytes)
  for (const [what, wanted, is] of [
    ['the SHA-256', sha256, found.sha256],
    ['the size', sizeBytes, found.sizeBytes],
  ] as const) {
    if (wanted !== undefined && wanted !== is) {
      throw new CommandError('url-differs', `Expected ${what} ${wanted} at ${url}, found ${is}. Nothing was published.`)
    }
  }
  return { url, name, ...found }
}

async function measure(
  context: CliContext,
  fetch: typeof globalThis.fetch,
  url: string,
  expectedBytes = MAX_BYTES,
): Promise<{ sha256: string; sizeBytes: number }> {
  const idle = new AbortController()
  const timer = setTimeout(() => idle.abort(new Error(`nothing came for ${IDLE_MS / 1000} s`)), IDLE_MS)
  const hash = createHash('sha256')
  let sizeBytes = 0
  let progress: ReturnType<typeof createProgress> | undefined
  try {
    const response = await follow(fetch, url, AbortSignal.any([context.signal, idle.signal]))
    if (!response.ok || !response.body) throw new Error(`it answers ${response.status}`)
    const encoding = response.headers.get('content-encoding') ?? 'identity'
    // Devices take the bytes as they lie there, and what was unpacked on the way has another digest.
    if (encoding !== 'identity') throw new Error(`it comes packed as ${encoding}`)
    progress = createProgress(context, 'Fetching', Number(response.headers.get('content-length') ?? 0))
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      timer.refresh()
      sizeBytes += chunk.length
      if (sizeBytes > expectedBytes) throw new Error(`it has more than ${expectedBytes} bytes`)
      hash.update(chunk)
      progress.advanceTo(sizeBytes)
    }
    if (sizeBytes === 0) throw new Error('there is nothing in it')
    return { sha256: hash.digest('hex'), sizeBytes }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CommandError('url-unreadable', `${url} cannot be fetched: ${reason}.`, { cause })
  } finally {
    clearTimeout(timer)
    progress?.stop()
  }
}

/** Not as `fetch` does it by itself: by way of http anybody in between could have other bytes published. */
async function follow(fetch: typeof globalThis.fetch, from: string, signal: AbortSignal): Promise<Response> {
  let url = from
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const response = await fetch(url, { signal, redirect: 'manual', headers: { 'accept-encoding': 'identity' } })
    const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null
    if (location === null) return response
    await response.body?.cancel()
    const next = URL.parse(location, url)
    if (next?.protocol !== 'https:') throw new Error(`it leads to ${location}, which is not https`)
    url = next.href
  }
  throw new Error(`it has more than ${MAX_REDIRECTS} redirects`)
}

/** As every client can read it. */
function addressOf(typed: string): string {
  const url = URL.parse(typed)
  if (url?.protocol === 'https:' && url.username === '' && url.password === '') return url.href
  throw new UsageError(`Expected an address that begins with https://, without a name or a password, found ${typed}.`)
}

function nameOf(url: string): string {
  const last = nameIn(new URL(url).pathname.split('/').at(-1) ?? '')
  if (last !== undefined && last !== '') return last
  throw new UsageError(`${url} has no file name at its end: give one with --name.`)
}

function nameIn(word: string): string | undefined {
  try {
    return decodeURIComponent(word)
  } catch {
    // A percent sign that escapes nothing: no file is called that.
    return undefined
  }
}
