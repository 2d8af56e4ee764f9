import type { FastifyRequest } from 'fastify'
import type { PublicUrl } from '../../../ground/http/public-url.ts'
import { ADDRESS_HEADER } from '../auth/address-header.ts'

const MAX_BROWSER_NAME = 300

/** Who asks: what a sign-in knows of the browser. */
export interface Browser {
  /** Where it believes to be, such as https://updates.example.com. */
  origin: string
  cookies: ReadonlyMap<string, string>
  ip: string
  id: string
  name: string
}

export function browserOf(request: FastifyRequest, publicUrl: PublicUrl): Browser {
  return {
    origin: new URL(publicUrl(request)).origin,
    cookies: readCookies(request.headers.cookie ?? ''),
    ip: request.ip,
    id: request.id,
    name: (request.headers['user-agent'] ?? '').slice(0, MAX_BROWSER_NAME),
  }
}

/** For the library: the cookies that it is to see, and nothing else that a client wrote. */
export function headersFor(browser: Browser, cookieNames: readonly string[]): Headers {
  const cookies = cookieNames.flatMap((name) => {
    const value = browser.cookies.get(name)
    return value === undefined ? [] : [`${name}=${value}`]
  })
  return new Headers({ cookie: cookies.join('; '), 'user-agent': browser.name, [ADDRESS_HEADER]: browser.ip })
}

/** As they were sent. Of two of one name the first: browsers put the one of the longer path there, and ours has the prefix. */
export function readCookies(header: string): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    const name = pair.slice(0, at).trim()
    if (at > 0 && !cookies.has(name)) cookies.set(name, pair.slice(at + 1).trim())
  }
  return cookies
}
