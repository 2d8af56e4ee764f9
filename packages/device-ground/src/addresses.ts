/** `true` allows http: to anywhere, "loopback" to this machine: for development, and servers in a closed network. */
export type AllowInsecure = boolean | 'loopback'

// Not the URL class, which is a stub on some engines. "@" is refused, as "http://localhost@example.com" is not localhost;
// a backslash is a slash to some readers.
const ADDRESS = /^(https?):\/\/([^/?#@\\\s]+)((?:\/[^?#\\\s]*)?)(\?[^#\\\s]*)?(?:#[^\\\s]*)?$/i
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i

export function isAddress(url: string): boolean {
  return ADDRESS.test(url)
}

/** Only https:, unless the app allows this address in the clear. */
export function isAllowedAddress(url: string, allowInsecure: AllowInsecure): boolean {
  const [, scheme, host] = ADDRESS.exec(url) ?? []
  if (!scheme || !host) return false
  if (scheme.toLowerCase() === 'https' || allowInsecure === true) return true
  return allowInsecure === 'loopback' && LOOPBACK.test(host)
}

/** `path` begins with a slash and is below the server's address; undefined when that is none, or has a query. */
export function joinAddress(serverUrl: string, path: string): string | undefined {
  const [, scheme, host, folder = '', query] = ADDRESS.exec(serverUrl) ?? []
  if (!scheme || !host || query !== undefined || serverUrl.includes('#')) return undefined
  return `${scheme.toLowerCase()}://${host}${folder.replace(/\/+$/, '')}${path}`
}

/** Where a redirect leads: an absolute address, or a path on the same host. Undefined for anything else. */
export function resolveLocation(from: string, location: string | undefined): string | undefined {
  const [, scheme, host] = ADDRESS.exec(from) ?? []
  if (!location || !scheme || !host) return undefined
  if (ADDRESS.test(location)) return location
  if (location.startsWith('//')) return `${scheme}:${location}`
  return location.startsWith('/') ? `${scheme}://${host}${location}` : undefined
}

/**
 * A redirect leads from https: to https: alone: whoever answers from elsewhere must not have this machine ask its own
 * services, which believe what comes from it. In the clear it is where a first request would be allowed to go.
 */
export function mayLeadTo(from: string, to: string, allowInsecure: AllowInsecure): boolean {
  return isAllowedAddress(to, isAllowedAddress(from, false) ? false : allowInsecure)
}

/** The last word of its path, which may name a file. */
export function lastWordOf(url: string): string {
  const path = ADDRESS.exec(url)?.[3] ?? ''
  return path.slice(path.lastIndexOf('/') + 1)
}
