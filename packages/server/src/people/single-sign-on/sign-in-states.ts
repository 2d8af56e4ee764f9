import { createHash } from 'node:crypto'
import { MINUTE_MS, SECOND_MS, type Clock } from '../../ground/clock.ts'
import type { SecretBox } from '../../ground/secrets/secret-box.ts'
import type { Browser } from '../accounts/sign-in/browser.ts'
import type { Expected } from './open-id-connect.ts'

/** Of a sign-in that is under way, from the button to the way back. */
const LIFETIME_MS = 10 * MINUTE_MS
/** Tabs of a browser in which somebody signs in at once. */
const MAX_AT_ONCE = 5

export interface SignInState extends Expected {
  /** With whom it was begun: the settings may have changed since then. */
  issuer: string
  clientId: string
  returnTo: string
  expiresAt: number
}

export type SignInStates = ReturnType<typeof createSignInStates>

/**
 * What a sign-in has to come back with, in a cookie of its own for each: another tab does not get into its way, nobody
 * else's answer is taken, and nothing is kept here for whoever only begins. Sealed, as it has the proof of the code.
 */
export function createSignInStates({ box, clock }: { box: SecretBox; clock: Clock }) {
  /** The cookies to set. */
  async function keep(state: Omit<SignInState, 'expiresAt'>, browser: Browser): Promise<string[]> {
    const prefix = prefixAt(browser.origin)
    const others = [...browser.cookies.keys()].filter((name) => name.startsWith(prefix))
    const gone = others.length < MAX_AT_ONCE ? [] : others.map((name) => endedCookie(name, browser))
    const name = nameOf(state.state, browser)
    const sealed = await box.seal(name, JSON.stringify({ ...state, expiresAt: clock.now() + LIFETIME_MS }))
    return [...gone, cookie(name, sealed, LIFETIME_MS / SECOND_MS, browser)]
  }

  /** Undefined when this browser has not begun it, or long ago. */
  async function find(state: string, browser: Browser): Promise<SignInState | undefined> {
    const name = nameOf(state, browser)
    const sealed = browser.cookies.get(name)
    if (sealed === undefined) return undefined
    try {
      const found = JSON.parse(await box.open(name, sealed)) as SignInState
      return found.state === state && found.expiresAt > clock.now() ? found : undefined
    } catch {
      return undefined // Forged, or of before a change of keys: it was not begun here.
    }
  }

  function end(state: string, browser: Browser): string {
    return endedCookie(nameOf(state, browser), browser)
  }

  return { keep, find, end }
}

function prefixAt(origin: string): string {
  return origin.startsWith('https:') ? '__Host-hotpatch-sign-on-' : 'hotpatch-sign-on-'
}

function nameOf(state: string, { origin }: Browser): string {
  return prefixAt(origin) + createHash('sha256').update(state).digest('hex').slice(0, 16)
}

function endedCookie(name: string, browser: Browser): string {
  return cookie(name, '', 0, browser)
}

/** Sent along when the issuer sends the browser back, which is another site. */
function cookie(name: string, value: string, maxAgeSeconds: number, { origin }: Browser): string {
  const secure = origin.startsWith('https:') ? '; Secure' : ''
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}${secure}`
}
