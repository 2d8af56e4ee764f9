import type { PasswordChange, Person, PersonSessions, RecoveryCodes, TotpEnrolment } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { AuditService } from '../../audit/audit-service.ts'
import type { Caller } from '../../authors/author.ts'
import { timestamp, type Clock } from '../../../ground/clock.ts'
import type { Database } from '../../../ground/database/schema.ts'
import { cookieAt, type Auth } from '../auth/auth.ts'
import { isPassword } from '../auth/passwords.ts'
import type { SignInAttempts } from '../auth/sign-in-attempts.ts'
import {
  endSession,
  endSessions,
  findPasswordOf,
  findPerson,
  listSessions,
  updatePerson,
} from '../tables/person-table.ts'
import type { PersonService } from '../persons/person-service.ts'
import { headersFor, type Browser } from '../sign-in/browser.ts'
import { isRefusal, type CurrentSession } from '../sign-in/sign-in-service.ts'

/** Of whoever has no password: how long after the sign-in it counts as fresh. */
const FRESH_MS = 15 * 60 * 1000

export type AccountService = ReturnType<typeof createAccountService>

/** What somebody does about his own account. */
export function createAccountService({
  db,
  auth,
  attempts,
  persons,
  audit,
  clock,
}: {
  db: Database
  auth: Auth
  attempts: SignInAttempts
  persons: PersonService
  audit: AuditService
  clock: Clock
}) {
  async function get(personId: string): Promise<Person> {
    return persons.render(await getPerson(personId))
  }

  async function rename(name: string, author: Caller): Promise<Person> {
    const before = await getPerson(author.actor.id)
    await db.transaction().execute(async (tx) => {
      await updatePerson(tx, before.id, { name: name.trim(), updated_at: clock.now() })
      await audit.record(tx, author, {
        action: 'person.changed',
        subject: ['person', before.id],
        before: { name: before.name },
        after: { name: name.trim() },
      })
    })
    return get(before.id)
  }

  /** Ends every other session; this one goes on under a new name. */
  async function changePassword(input: PasswordChange, browser: Browser, author: Caller): Promise<readonly string[]> {
    await requirePassword(author.actor.id, input.currentPassword)
    const cookies = await ask(browser, (api, about) =>
      api.changePassword({ body: { ...input, revokeOtherSessions: true }, ...about }),
    )
    await note(author, 'person.password-changed')
    return cookies.headers.getSetCookie()
  }

  async function listOwn(personId: string, current: CurrentSession | undefined): Promise<PersonSessions> {
    // They end by the clock of the library, which is that of the process.
    const rows = await listSessions(db, personId, Date.now())
    return {
      items: rows.map((row) => ({
        id: row.id,
        isCurrent: row.id === current?.id,
        address: row.ip_address === '' ? null : row.ip_address,
        browser: row.user_agent === '' ? null : row.user_agent,
        createdAt: timestamp(row.created_at),
        lastUsedAt: timestamp(Math.max(row.updated_at, row.created_at)),
        expiresAt: timestamp(row.expires_at),
      })),
    }
  }

  async function endOwnSession(id: string, author: Caller): Promise<void> {
    const isEnded = await endSession(db, author.actor.id, id)
    if (!isEnded) throw problem('not-found', `You are not signed in by a session with the id ${id}.`)
    await note(author, 'person.session-ended')
  }

  async function signOutEverywhere(author: Caller): Promise<void> {
    await endSessions(db, author.actor.id)
    await note(author, 'person.signed-out-everywhere')
  }

  /** Not in force before it is confirmed with a code. */
  async function enrolTotp(password: string, browser: Browser, author: Caller): Promise<TotpEnrolment> {
    await requirePassword(author.actor.id, password)
    const { response } = await ask(browser, (api, about) => api.enableTwoFactor({ body: { password }, ...about }))
    if (response.method !== 'totp') throw new Error('The library enrolled something other than TOTP.')
    return { uri: response.totpURI, recoveryCodes: response.backupCodes }
  }

  /** From then on a password alone lets nobody in. The session goes on under a new name. */
  async function confirmTotp(code: string, browser: Browser, author: Caller): Promise<readonly string[]> {
    const { headers } = await ask(browser, (api, about) => api.verifyTOTP({ body: { code }, ...about }))
    await note(author, 'person.totp-added')
    return headers.getSetCookie()
  }

  async function removeTotp(password: string, browser: Browser, author: Caller): Promise<readonly string[]> {
    await requirePassword(author.actor.id, password)
    const { headers } = await ask(browser, (api, about) => api.disableTwoFactor({ body: { password }, ...about }))
    await note(author, 'person.totp-removed')
    return headers.getSetCookie()
  }

  /** Those of before count no more. */
  async function makeRecoveryCodes(password: string, browser: Browser, author: Caller): Promise<RecoveryCodes> {
    await requirePassword(author.actor.id, password)
    const { response } = await ask(browser, (api, about) => api.generateBackupCodes({ body: { password }, ...about }))
    await note(author, 'person.recovery-codes-made')
    return { recoveryCodes: response.backupCodes }
  }

  /** What a stolen session is not to be enough for. */
  async function requireFresh(password: string | undefined, session: CurrentSession, author: Caller): Promise<void> {
    const { hasPassword } = await get(author.actor.id)
    if (hasPassword) return requirePassword(author.actor.id, password ?? '')
    if (Date.now() - session.begunAt > FRESH_MS) {
      throw problem('sign-in-again', 'This takes a sign-in of the last 15 minutes.')
    }
  }

  /** Whoever has a session may not guess the password with it. */
  async function requirePassword(personId: string, password: string): Promise<void> {
    const person = await getPerson(personId)
    const counted = [{ account: `password of ${personId}` }]
    const isOpen = await attempts.begin(counted)
    const known = (await findPasswordOf(db, person.email))?.password ?? undefined
    const fits = await isPassword(password, known)
    if (!isOpen || !fits) throw wrongPassword()
    await attempts.succeeded(counted)
  }

  async function getPerson(personId: string) {
    const person = await findPerson(db, personId)
    if (person) return person
    throw problem('person-not-found', 'This account is gone.')
  }

  async function note(author: Caller, action: string): Promise<void> {
    await audit.record(db, author, { action, subject: ['person', author.actor.id] })
  }

  async function ask<Answer>(
    browser: Browser,
    question: (
      api: Awaited<ReturnType<Auth['at']>>['api'],
      about: { headers: Headers; returnHeaders: true },
    ) => Promise<Answer>,
  ): Promise<Answer> {
    const { api } = await auth.at(browser.origin)
    try {
      return await question(api, { headers: headersFor(browser, [cookieAt(browser.origin)]), returnHeaders: true })
    } catch (error) {
      if (!isRefusal(error)) throw error
      throw refusalOf(error.body?.code, error)
    }
  }

  return {
    get,
    rename,
    changePassword,
    listSessions: listOwn,
    endSession: endOwnSession,
    signOutEverywhere,
    enrolTotp,
    confirmTotp,
    removeTotp,
    makeRecoveryCodes,
    requireFresh,
  }
}

/** In our words what the library said. */
function refusalOf(code: string | undefined, cause: unknown): Error {
  switch (code) {
    case 'INVALID_CODE':
      return problem(
        'second-factor-state',
        'The code is not right: is the clock of the device with the app right?',
        {},
        { cause },
      )
    case 'TOTP_ALREADY_ENABLED':
      return problem('second-factor-state', 'There is an authenticator app already: remove it first.', {}, { cause })
    case 'TOTP_NOT_ENABLED':
    case 'TWO_FACTOR_NOT_ENABLED':
      return problem('second-factor-state', 'There is no authenticator app on this account.', {}, { cause })
    case 'INVALID_PASSWORD':
    case 'CREDENTIAL_ACCOUNT_NOT_FOUND':
      return wrongPassword(cause)
    case undefined:
    default:
      return problem('forbidden', 'This is not possible for this account now.', {}, { cause })
  }
}

function wrongPassword(cause?: unknown): Error {
  return problem(
    'password-wrong',
    'The password is not right, or there were too many attempts: then it takes up to 15 minutes until the next one counts.',
    {},
    { cause },
  )
}
