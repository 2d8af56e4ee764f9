import type { AuthInstance } from './auth-instance.ts'
import type { AuthSettings } from './auth-settings.ts'

/** How a browser is known: the prefix is believed by browsers only of a cookie that came over TLS, for this host alone. */
const SECURE_COOKIE = '__Host-hotpatch'
const PLAIN_COOKIE = 'hotpatch'
export type Auth = ReturnType<typeof createAuth>

/** Sign-in by the library that has it: loaded when the first person comes, as it is large and devices need none of it. */
export function createAuth(settings: AuthSettings) {
  const instances = new Map<string, Promise<AuthInstance>>()

  /**
   * One for each name of the cookie, and not for each address: whoever asks may name any, and each would have its own.
   * @param origin of the address that the browser is at, such as https://updates.example.com
   */
  function at(origin: string): Promise<AuthInstance> {
    const cookie = cookieAt(origin)
    const known = instances.get(cookie)
    if (known) return known
    const made = import('./auth-instance.ts').then(({ createAuthInstance }) =>
      createAuthInstance(settings, { cookie, isSecure: isSecure(origin) }),
    )
    instances.set(cookie, made)
    // What could not be loaded is tried again by the next who comes.
    made.catch(() => instances.delete(cookie))
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
