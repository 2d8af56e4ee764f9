import { problem } from '@hotpatch/protocol'
import type { IncomingHttpHeaders } from 'node:http'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Of a request with a cookie, which a browser sends along whoever's page it is that asks. */
export interface BrowserRequest {
  method: string
  host: string
  headers: IncomingHttpHeaders
}

/**
 * What changes something must come from a page of this server. No page can write these two headers.
 * @throws problem cross-site-request
 */
export function requireSameOrigin({ method, host, headers }: BrowserRequest, publicUrl: string): void {
  if (SAFE.has(method)) return
  const site = headers['sec-fetch-site']
  // Browsers tell it on https and on localhost; else there is the origin alone.
  if (site === undefined ? isOwn(headers.origin, [host, new URL(publicUrl).host]) : site === 'same-origin') return
  throw problem(
    'cross-site-request',
    `Expected the header "Sec-Fetch-Site: same-origin" or an "Origin" of this server, found ${found(headers)}.`,
  )
}

/** The host alone: who ends TLS in front of the server need not say so. */
function isOwn(origin: string | undefined, hosts: readonly string[]): boolean {
  return origin !== undefined && URL.canParse(origin) && hosts.includes(new URL(origin).host)
}

function found({ origin, 'sec-fetch-site': site }: IncomingHttpHeaders): string {
  if (site !== undefined) return `"Sec-Fetch-Site: ${site.slice(0, 40)}"`
  return origin === undefined ? 'neither' : `"Origin: ${origin.slice(0, 200)}"`
}
