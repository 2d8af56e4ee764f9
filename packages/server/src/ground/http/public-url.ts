import { problem } from '@hotpatch/protocol'

/** Answers carry absolute addresses: on HOTPATCH_PUBLIC_URL, else on the host that the request named. */
export type PublicUrl = (request: RequestOrigin) => string

/** Where a request says that it came to, as trusted proxies tell it. */
export interface RequestOrigin {
  host: string
  protocol: string
  socket: object
}

/** A name or an address, and a port: a client can put anything into its Host header, or with HTTP/1.0 nothing. */
const HOST = /^(?:[\w.-]{1,255}|\[[\da-fA-F:.]{2,45}\])(?::\d{1,5})?$/

export function createPublicUrl(configured: string | null): PublicUrl {
  if (configured !== null) return () => configured
  // Nearly all devices name the same one.
  let last = { host: '', scheme: '', url: '' }
  return (request) => {
    const { host } = request
    const scheme = schemeOf(request)
    if (host === last.host && scheme === last.scheme) return last.url
    if (HOST.test(host)) {
      last = { host, scheme, url: `${scheme}://${host}` }
      return last.url
    }
    throw problem('invalid-request', 'Host: expected the name and port of this server.')
  }
}

/** As a trusted proxy says, in whichever case it says it; what is neither http nor https says nothing. */
function schemeOf({ protocol, socket }: RequestOrigin): string {
  const told = protocol.toLowerCase()
  if (told === 'http' || told === 'https') return told
  return 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http'
}

export function artifactUrl(publicUrl: string, sha256: string): string {
  return `${publicUrl}/artifacts/${sha256}`
}

/** What a device is offered: two releases may have the same bytes, and a download is to count for the one it was for. */
export function offeredUrl(publicUrl: string, sha256: string, releaseId: string): string {
  return `${artifactUrl(publicUrl, sha256)}?release=${releaseId}`
}

/** What there is to know as long as the server was not told its own address. */
export const NO_PUBLIC_URL = {
  about: 'public-url',
  detail:
    'HOTPATCH_PUBLIC_URL is not set: the download addresses in answers are made from what each request says of itself, ' +
    'its Host header, or X-Forwarded-Host and X-Forwarded-Proto of a trusted proxy. A client can put any name there; ' +
    'it gets that name in its own answer, and a cache that ignores "no-store" would give it to others.',
  remedy: 'Set HOTPATCH_PUBLIC_URL to the address that devices use, such as https://updates.example.com.',
}
