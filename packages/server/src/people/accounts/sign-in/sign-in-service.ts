import type { SignIn, SignInAnswer } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { FastifyRequest } from 'fastify'
import type { AuditService } from '../../audit/audit-service.ts'
import type { Actor } from '../../authors/actor.ts'
import { MINUTE_MS, type Clock } from '../../../ground/clock.ts'
import type { Database } from '../../../ground/database/schema.ts'
import { addressPrefix } from '../../../ground/http/address-prefix.ts'
import type { PublicUrl } from '../../../ground/http/public-url.ts'
import { cookieAt, type Auth } from '../auth/auth.ts'
import type { AuthInstance } from '../auth/auth-instance.ts'
import { isPassword } from '../auth/passwords.ts'
import type { Counted, SignInAttempts } from '../auth/sign-in-attempts.ts'
import { createTurns } from '../auth/turns.ts'
import { actorOfPerson, callerOf } from '../persons/actor-of-person.ts'
import {
  findPasswordOf,
  findPerson,
  listGrants,
  touchSession,
  updatePerson,
  markSessionBySingleSignOn,
} from '../tables/person-table.ts'
import { browserOf, headersFor, readCookies, type Browser } from './browser.ts'
import type { KnownBrowsers } from './known-browsers.ts'

/** How exactly the use of a session is kept: a write for every request would be too much. */
const LAST_USED_RESOLUTION_MS = 5 * MINUTE_MS

/** What a browser is answered with. */
export interface SignedIn {
  answer: SignInAnswer
  cookies: readonly string[]
}

/** Who is signed in where. */
export interface CurrentSession {
  id: string
  personId: string
  /** By the clock of the library. */
  begunAt: number
}

export type SignInService = ReturnType<typeof createSignInService>

export function createSignInService({
  db,
  auth,
  attempts,
  knownBrowsers,
  audit,
  publicUrl,
  isSingleSignOnOnly,
  clock,
}: {
  db: Database
  auth: Auth
  attempts: SignInAttempts
  knownBrowsers: KnownBrowsers
  audit: AuditService
  publicUrl: PublicUrl
  isSingleSignOnOnly: () => Promise<boolean>
  clock: Clock
}) {
  const sessions = new WeakMap<FastifyRequest, CurrentSession>()
  const oneByOne = createTurns(1)

  /** The same answer, after the same work, whoever has no such account, another password, or to wait. */
  async function signIn({ email: given, password }: SignIn, browser: Browser): Promise<SignedIn> {
    const email = given.toLowerCase()
    const person = await findPasswordOf(db, email)
    const known = await knownBrowsers.recognise(browser, person?.id)
    const counted = [known === undefined ? { account: email } : { browser: known }, addressOf(browser)]
    const isOpen = await attempts.begin(counted)
    const fits = await isPassword(password, person?.password ?? undefined)
    if (!isOpen || !fits || !person || person.disabled_at !== null) throw wrongPassword()
    await requireOtherWays(person.id)
    const { headers, response } = await asked(browser, [], (api, about) =>
      api.signInEmail({ body: { email, password }, ...about }),
    )
    await attempts.succeeded(counted)
    const cookies = headers.getSetCookie()
    if ('twoFactorRedirect' in response) return { answer: { done: false, needs: 'totp' }, cookies }
    return finish(person.id, browser, cookies)
  }

  async function signInWithTotp(code: string, browser: Browser): Promise<SignedIn> {
    return secondStep(browser, (api, about) => api.verifyTOTP({ body: { code }, ...about }))
  }

  async function signInWithRecoveryCode(code: string, browser: Browser): Promise<SignedIn> {
    return secondStep(browser, (api, about) => api.verifyBackupCode({ body: { code: code.trim() }, ...about }))
  }

  /** The library counts by account and by challenge; by address it is counted here. */
  async function secondStep(browser: Browser, verify: Ask<{ user: { id: string } }>): Promise<SignedIn> {
    const counted = [addressOf(browser)]
    if (!(await attempts.begin(counted))) throw wrongCode()
    // The library looks whether an account is locked before it counts: of many codes at once it would look at all.
    const { headers, response } = await oneByOne(() =>
      asked(browser, [`${cookieAt(browser.origin)}.two_factor`], verify, wrongCode),
    )
    await attempts.succeeded(counted)
    return finish(response.user.id, browser, headers.getSetCookie())
  }

  /**
   * Of somebody who has shown by other means who it is; of nobody, when that failed.
   * @param bySingleSignOn how long a session of that lasts
   */
  async function beginSession(
    personId: string | undefined,
    browser: Browser,
    bySingleSignOn?: { lifetimeMs: number },
  ): Promise<SignedIn> {
    if (personId === undefined) throw wrongPasskey()
    if (!bySingleSignOn) await requireOtherWays(personId)
    const { headers, response } = await asked(browser, [], (api, about) =>
      api.beginSession({ body: { personId }, ...about }),
    )
    const { sessionId } = response
    if (sessionId === null) throw wrongPasskey()
    if (bySingleSignOn) await markSessionBySingleSignOn(db, sessionId, clock.now() + bySingleSignOn.lifetimeMs)
    return finish(personId, browser, headers.getSetCookie())
  }

  /** Told only to who has shown who he is. */
  async function requireOtherWays(personId: string): Promise<void> {
    if (!(await isSingleSignOnOnly())) return
    const grants = await listGrants(db, [personId])
    if (grants.some(({ role, app_id: appId }) => role === 'owner' && appId === null)) return
    throw problem('single-sign-on-only', 'Only owners sign in by a password or a passkey here.')
  }

  /** Also for who comes by single sign-on: notes it, and remembers the browser. */
  async function finish(personId: string, browser: Browser, cookies: readonly string[]): Promise<SignedIn> {
    const person = await findPerson(db, personId)
    if (!person) throw wrongPassword()
    const author = await callerOf(db, person, browser)
    await db.transaction().execute(async (tx) => {
      await updatePerson(tx, personId, { signed_in_at: clock.now() })
      await audit.record(tx, author, { action: 'person.signed-in', subject: ['person', personId] })
    })
    return { answer: { done: true }, cookies: [...cookies, await knownBrowsers.remember(browser, personId)] }
  }

  /** Ends it, if there is one; the cookie goes in any case. */
  async function signOut(browser: Browser): Promise<readonly string[]> {
    const { headers } = await asked(browser, [cookieAt(browser.origin)], (api, about) => api.signOut(about))
    return headers.getSetCookie()
  }

  /** The person who is signed in in the browser that asks. */
  async function findSession(request: FastifyRequest): Promise<Actor | undefined> {
    const { cookie } = request.headers
    if (cookie === undefined) return undefined
    const { origin } = new URL(publicUrl(request))
    const name = cookieAt(origin)
    // Not even the library is loaded for whoever has none.
    if (!readCookies(cookie).has(name)) return undefined
    const found = await sessionOf(browserOf(request, publicUrl))
    const person = found && (await findPerson(db, found.personId))
    if (!person || person.disabled_at !== null) return undefined
    sessions.set(request, found)
    return actorOfPerson(person, await listGrants(db, [person.id]))
  }

  async function sessionOf(browser: Browser): Promise<CurrentSession | undefined> {
    const { api } = await auth.at(browser.origin)
    const headers = headersFor(browser, [cookieAt(browser.origin)])
    const found = await api.getSession({ headers, query: { disableRefresh: true } })
    if (!found) return undefined
    const { id, userId: personId, createdAt, updatedAt } = found.session
    if (clock.now() - updatedAt.getTime() > LAST_USED_RESOLUTION_MS) await touchSession(db, id, clock.now())
    return { id, personId, begunAt: createdAt.getTime() }
  }

  /** @throws problem forbidden when nobody is signed in by a session */
  function getSession(request: FastifyRequest): CurrentSession {
    const session = sessions.get(request)
    if (session) return session
    throw problem('forbidden', 'This is about an account: sign in with a browser. A token has none.')
  }

  type About = { headers: Headers; returnHeaders: true }
  type Ask<Answer> = (api: AuthInstance['api'], about: About) => Promise<{ headers: Headers; response: Answer }>

  /** @param sends the names of the cookies that the library is to see */
  async function asked<Answer>(
    browser: Browser,
    sends: readonly string[],
    ask: Ask<Answer>,
    refusal: (cause: unknown) => Error = wrongPassword,
  ): Promise<{ headers: Headers; response: Answer }> {
    const { api } = await auth.at(browser.origin)
    try {
      return await ask(api, { headers: headersFor(browser, sends), returnHeaders: true })
    } catch (error) {
      throw isRefusal(error) ? refusal(error) : error
    }
  }

  return {
    signIn,
    signInWithTotp,
    signInWithRecoveryCode,
    beginSession,
    finish,
    signOut,
    findSession,
    getSession,
    asked,
  }
}

/** What the library throws on purpose: it says no. It calls it its own failure when we say that no session may begin. */
export function isRefusal(error: unknown): error is Error & { statusCode: number; body?: { code?: string } } {
  if (!(error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number')) return false
  const { body } = error as { body?: { code?: string } }
  return error.statusCode < 500 || body?.code === 'FAILED_TO_CREATE_SESSION'
}

function addressOf({ ip }: Browser): Counted {
  return { address: addressPrefix(ip) }
}

function wrongPassword(cause?: unknown): Error {
  return problem(
    'sign-in-failed',
    'The e-mail address or the password is not right, or there were too many attempts: then it takes up to 15 minutes until the next one counts.',
    {},
    { cause },
  )
}

/** Also of somebody who is disabled. */
function wrongPasskey(): Error {
  return problem('sign-in-failed', 'This lets nobody in here.')
}

function wrongCode(cause?: unknown): Error {
  return problem(
    'sign-in-failed',
    'The code is not right, was used before, or came too late or after too many others: wait for the next one, or begin again with the password.',
    {},
    { cause },
  )
}
