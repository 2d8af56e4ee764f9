import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { answerBundleRequest, isBundlePath, refuse, type BundleAnswer } from './bundle-answers.ts'
import { openBundleFolder } from './bundle-folder.ts'

export interface BundleHandlerOptions {
  /** With `bundle.zip`, `bundle.sha256`, `VERSION` and `MIN_NATIVE_VERSION`; it may come later. */
  directory: string
  /**
   * Where devices reach what this is mounted in, such as `https://example.com/shop`. Without it the manifest names paths,
   * which devices join with the address that they have of the server.
   */
  publicUrl?: string | undefined
  /** Where a copy of the served build lies: the system's when absent. */
  temporaryDirectory?: string | undefined
  /** Hears, each once, why there is nothing to serve: for the log of whoever runs this. */
  onUnavailable?: ((reason: string) => void) | undefined
  /** The time in milliseconds since 1970: for tests. */
  now?: (() => number) | undefined
}

/** Of node:http, and of everything that hands on its requests, such as Express and Connect. */
export interface BundleHandler {
  /**
   * Answers what is for it.
   * @param next is called for everything else
   * @returns false when it was something else
   */
  (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): Promise<boolean>
  /** Looks at the folder now, so that what is wrong is heard before the first app asks. */
  look(): Promise<void>
  /** Lets go of the copy that is served. */
  close(): void
}

/**
 * Serves the bundle of one folder at Web bundle's two addresses, below wherever it is mounted.
 *
 * @example
 * createServer(async (request, response) => {
 *   if (await bundles(request, response)) return
 *   …
 * })
 * @throws TypeError when `publicUrl` is no http address
 */
export function createBundleHandler(options: BundleHandlerOptions): BundleHandler {
  const { onUnavailable = () => {} } = options
  const publicUrl = options.publicUrl === undefined ? undefined : readPublicUrl(options.publicUrl)
  const folder = openBundleFolder(options)
  let reported: string | undefined

  function report(reason: string): void {
    if (reason !== reported) onUnavailable(reason)
    reported = reason
  }

  async function handle(request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void) {
    const url = readUrl(request.url)
    if (!url || !isBundlePath(url.pathname)) {
      next?.()
      return false
    }
    const asked = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
    }
    try {
      await send(request, response, await answerBundleRequest(asked, { folder, publicUrl, onUnavailable: report }))
    } catch (error) {
      report(error instanceof Error ? error.message : String(error))
      if (response.headersSent) response.destroy()
      else await send(request, response, refuse(500, 'INTERNAL_ERROR', 'The bundle could not be read.'))
    }
    return true
  }

  async function look(): Promise<void> {
    await folder.current().then(
      () => undefined,
      (error: unknown) => report((error as Error).message),
    )
  }

  return Object.assign(handle, { look, close: folder.close })
}

async function send(request: IncomingMessage, response: ServerResponse, { status, headers, body }: BundleAnswer) {
  response.writeHead(status, headers)
  if (request.method === 'HEAD' || typeof body === 'string') {
    response.end(request.method === 'HEAD' ? undefined : body)
    return
  }
  try {
    await pipeline(body.snapshot.read(body), response)
  } catch (error) {
    // Whoever went away needs no answer.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
  }
}

function readUrl(target: string | undefined): URL | undefined {
  return target !== undefined && target.startsWith('/') && URL.canParse(`http://x${target}`)
    ? new URL(`http://x${target}`)
    : undefined
}

/** Without the slashes at its end. */
export function readPublicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '' && url.username === ''
  if (isPlain) return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
  throw new TypeError(`Expected an address such as https://example.com/shop, found ${JSON.stringify(text)}.`)
}
