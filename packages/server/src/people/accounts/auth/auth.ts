import type { FastifyBaseLogger } from 'fastify'
import type { Database } from '../../../ground/database/schema.ts'
import type { AuthInstance } from './auth-instance.ts'

export interface AuthSettings {
  db: Database
  /** The first signs and encrypts, each decrypts. */
  secrets: readonly { version: number; value: string }[]
  newId: () => string
  log: FastifyBaseLogger
  /** Of the library, for other ways to sign in. */
  plugins: readonly unknown[]
  /**
   * Asked before each new session of somebody who is not disabled, however it comes about.
   * @param context of the library's endpoint that begins it
   */
  mayBegin(personId: string, context: unknown): Promise<boolean>
}

/** How a browser is known: the prefix is believed by browsers only of a cookie that came over TLS, for this host alone. */
const SECURE_COOKIE = '__Host-hotpatch'
const PLAIN_COOKIE = 'hotpatch'
/** Of a server that was not told its own address, whoever asks names one. */
const MAX_INSTANCES = 8

export type Auth = ReturnType<typeof createAuth>

/** Sign-in by the library that has it: loaded when the first person comes, as it is large and devices need none of it. */
export function createAuth(settings: AuthSettings) {
  const instances = new Map<string, Promise<AuthInstance>>()

  /** @param origin of the address that the browser is at, such as https://updates.example.com */
  function at(origin: string): Promise<AuthInstance> {
    const known = instances.get(origin)
    if (known) return known
    const made = import('./auth-instance.ts').then(({ createAuthInstance }) =>
      createAuthInstance(settings, origin, { cookie: cookieAt(origin), isSecure: isSecure(origin) }),
    )
    if (instances.size >= MAX_INSTANCES) instances.clear()
    instances.set(origin, made)
    return made
  }

  return { at }
}

export function cookieAt(origin: string): string {
  return isSecure(origin) ? SECURE_COOKIE : PLAIN_COOKIE
}

export function isSecure(origin: string): boolean {
  return origin.startsWith('https:')
}
