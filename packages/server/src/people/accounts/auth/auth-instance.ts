import { createAuthEndpoint } from 'better-auth/api'
import { setSessionCookie } from 'better-auth/cookies'
import { betterAuth } from 'better-auth/minimal'
import { twoFactor } from 'better-auth/plugins/two-factor'
import type { BetterAuthOptions, BetterAuthPlugin } from 'better-auth'
import { ADDRESS_HEADER } from './address-header.ts'
import { authAdapter } from './auth-adapter.ts'
import type { AuthSettings } from './auth-settings.ts'
import { hashPassword, isPassword } from './passwords.ts'

const SESSION_SECONDS = 14 * 24 * 60 * 60

export type AuthInstance = ReturnType<typeof createAuthInstance>

/** The library, behind one cookie. Loaded when somebody signs in, and not before. */
export function createAuthInstance(settings: AuthSettings, names: { cookie: string; isSecure: boolean }) {
  const { db, secrets, newId, log } = settings
  return betterAuth({
    appName: 'HotPatch',
    // It sends nobody anywhere: our routes stand in front of it, and know where the browser is.
    baseURL: `${names.isSecure ? 'https' : 'http'}://hotpatch.invalid`,
    basePath: '/manage/v1/auth',
    secrets: [...secrets],
    // Its types name an adapter of its own making only.
    database: authAdapter(db) as unknown as NonNullable<BetterAuthOptions['database']>,
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: MIN_PASSWORD,
      maxPasswordLength: MAX_PASSWORD,
      password: { hash: hashPassword, verify: ({ hash, password }) => isPassword(password, hash) },
    },
    // An ended session has ended: nothing is believed because a cookie says so.
    session: { expiresIn: SESSION_SECONDS, cookieCache: { enabled: false }, disableSessionRefresh: true },
    user: { additionalFields: { disabledAt: { type: 'date', required: false, input: false, returned: false } } },
    databaseHooks: {
      session: {
        create: {
          // By the library's own way to the database: it may be in a transaction, and SQLite has one connection.
          before: async ({ userId }, context) => {
            const user = (await context?.context.internalAdapter.findUserById(userId)) as {
              disabledAt?: unknown
            } | null
            return !!user && !user.disabledAt && settings.mayBegin(userId, context)
          },
        },
      },
    },
    advanced: {
      cookiePrefix: names.cookie,
      // Would be in front of the names, where `__Host-` has to be.
      useSecureCookies: false,
      defaultCookieAttributes: { secure: names.isSecure, httpOnly: true, sameSite: 'lax', path: '/' },
      cookies: { session_token: { name: names.cookie } },
      database: { generateId: () => newId(), validateSchema: false },
      ipAddress: { ipAddressHeaders: [ADDRESS_HEADER] },
    },
    // Ours count in the database, by account and by address.
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: {
      level: 'error',
      // What else it has to say has names and addresses of people in it.
      log: (level, message) => log[level === 'error' ? 'warn' : 'debug']({ of: 'sign-in' }, message),
    },
    plugins: [twoFactor({ issuer: 'HotPatch', trustDeviceMaxAge: 1 }), ours()],
  })
}

export const MIN_PASSWORD = 10
export const MAX_PASSWORD = 128

/** Only this server calls: there is nothing to doubt. */
const Named = {
  '~standard': {
    version: 1 as const,
    vendor: 'hotpatch',
    validate: (value: unknown) => ({ value: value as { personId: string } }),
    types: undefined as { input: { personId: string }; output: { personId: string } } | undefined,
  },
}

/** Sessions of people who have shown by other means than a password who they are. Nothing on the network reaches it. */
function ours() {
  return {
    id: 'hotpatch',
    endpoints: {
      beginSession: createAuthEndpoint.serverOnly({ method: 'POST', body: Named }, async (context) => {
        const { internalAdapter } = context.context
        const user = await internalAdapter.findUserById(context.body.personId)
        const session = user && (await internalAdapter.createSession(user.id))
        if (!user || !session) return { sessionId: null }
        await setSessionCookie(context, { session, user })
        return { sessionId: session.id }
      }),
    },
  } satisfies BetterAuthPlugin
}
