import type { IncomingMessage, ServerResponse } from 'node:http'
import { readInstallerLink } from '../checking/installer-link.ts'
import type { KitStatus } from './kit-status.ts'

export const KIT_STATUS_PATH = '/api/v1/system/kit-status'

export interface KitStatusOptions {
  /** What the answer is made of: see `nodeKitStatus`. */
  readStatus(): Promise<KitStatus>
  /**
   * Where people go to install: a link that the installer has registered, such as "example-installer://update", or a page.
   * It is told in the header `link`, as the answer has its fields and no more.
   */
  installerLink?: string | undefined
  /** Hears why an answer could not be made: for the log of whoever runs this. */
  onFailure?: ((error: unknown) => void) | undefined
}

export interface StatusAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

/** However many ask at once, the disk is read once, and not more often than that. */
const KEPT_MS = 1_000
/** Answers one question after another, read-only; made once for a process. @throws TypeError for a link that is none */
export function createStatusAnswers({ readStatus, installerLink, onFailure = () => {} }: KitStatusOptions): {
  answer(method: string): Promise<StatusAnswer>
} {
  const link = installerLink === undefined ? undefined : readInstallerLink(installerLink)
  let kept: { at: number; answer: Promise<StatusAnswer> } | undefined

  async function read(): Promise<StatusAnswer> {
    const headers = { ...HEADERS, ...(link !== undefined && { link: `<${link}>; rel="edit"; title="installer"` }) }
    try {
      return { status: 200, headers, body: JSON.stringify(await readStatus()) }
    } catch (error) {
      onFailure(error)
      return refuse(503, 'status-unavailable', 'What is installed could not be read.')
    }
  }

  return {
    async answer(method) {
      if (method !== 'GET' && method !== 'HEAD') {
        const refused = refuse(405, 'method-not-allowed', 'This is for reading: nothing is applied here.')
        return { ...refused, headers: { ...refused.headers, allow: 'GET, HEAD' } }
      }
      // By a clock that nobody sets.
      const now = performance.now()
      if (kept === undefined || now - kept.at >= KEPT_MS) kept = { at: now, answer: read() }
      return kept.answer
    },
  }
}

/** Of node:http, and of everything that hands on its requests, such as Express and Connect. */
export interface KitStatusHandler {
  /** @returns false when it was something else, which `next` is called for */
  (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): Promise<boolean>
}

/**
 * Answers `GET /api/v1/system/kit-status`, below wherever it is mounted.
 *
 * @example
 * createServer(async (request, response) => {
 *   if (await kitStatus(request, response)) return
 *   …
 * })
 */
export function createKitStatusHandler(options: KitStatusOptions): KitStatusHandler {
  const answers = createStatusAnswers(options)
  return async (request, response, next) => {
    if (pathOf(request.url) !== KIT_STATUS_PATH) {
      next?.()
      return false
    }
    send(request, response, await answers.answer(request.method ?? ''))
    return true
  }
}

export function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: StatusAnswer,
): void {
  response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) })
  response.end(request.method === 'HEAD' ? undefined : body)
}

export function refuse(status: number, code: string, message: string): StatusAnswer {
  return { status, headers: HEADERS, body: JSON.stringify({ code, message }) }
}

/** No other page reads it (no CORS), and nobody takes it for a page. */
const HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

function pathOf(url: string | undefined): string {
  const path = url ?? ''
  const query = path.indexOf('?')
  return query === -1 ? path : path.slice(0, query)
}
