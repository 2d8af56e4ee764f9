import { jwtVerify, SignJWT } from 'jose'
import { isSecure } from '../auth/auth.ts'
import type { Browser } from './browser.ts'

const LIFETIME_SECONDS = 365 * 24 * 60 * 60
const ISSUER = 'hotpatch'
const AUDIENCE = 'known browser'

export type KnownBrowsers = ReturnType<typeof createKnownBrowsers>

/**
 * In which browsers somebody has signed in before. It opens nothing; attempts from them are counted by themselves, so
 * that nobody who only knows an e-mail address can lock its owner out.
 */
export function createKnownBrowsers({ secret, newId }: { secret: string; newId: () => string }) {
  const key = new TextEncoder().encode(secret)

  /** What tells it from other browsers of the person; undefined when it is not known as one of his. */
  async function recognise(browser: Browser, personId: string | undefined): Promise<string | undefined> {
    const cookie = browser.cookies.get(nameAt(browser.origin))
    if (cookie === undefined) return undefined
    try {
      const { payload } = await jwtVerify(cookie, key, { issuer: ISSUER, audience: AUDIENCE, algorithms: ['HS256'] })
      return payload.sub === personId ? payload.jti : undefined
    } catch {
      // Forged, of before a change of keys, or too old: then it is a browser like any other.
      return undefined
    }
  }

  /** The cookie by which it is known from now on. */
  async function remember(browser: Browser, personId: string): Promise<string> {
    const token = await new SignJWT()
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(personId)
      .setJti(newId())
      .setIssuedAt()
      .setExpirationTime(`${LIFETIME_SECONDS}s`)
      .sign(key)
    const attributes = ['Path=/', 'HttpOnly', 'SameSite=Lax', `Max-Age=${LIFETIME_SECONDS}`]
    if (isSecure(browser.origin)) attributes.push('Secure')
    return [`${nameAt(browser.origin)}=${token}`, ...attributes].join('; ')
  }

  return { recognise, remember }
}

function nameAt(origin: string): string {
  return isSecure(origin) ? '__Host-hotpatch-known' : 'hotpatch-known'
}
