import type { EngineConfig } from './settings.ts'

// Not the URL class: it is a stub on some engines. "@" is refused, as "http://localhost@example.com" is not localhost.
const ADDRESS = /^(https?):\/\/([^/?#@\\\s]+)(?:[/?#][^\\\s]*)?$/i
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i

/** Engine §5: only https:, unless the configuration allows this address in the clear. */
export function isAllowedAddress(url: string, allowInsecure: Required<EngineConfig>['allowInsecure']): boolean {
  const [, scheme, host] = ADDRESS.exec(url) ?? []
  if (!scheme || !host) return false
  if (scheme.toLowerCase() === 'https' || allowInsecure === true) return true
  return allowInsecure === 'loopback' && LOOPBACK.test(host)
}

/** Where a redirect leads: an absolute address, or a path on the same host. Undefined for anything else. */
export function resolveLocation(from: string, location: string | undefined): string | undefined {
  const [, scheme, host] = ADDRESS.exec(from) ?? []
  if (!location || !scheme || !host) return undefined
  if (ADDRESS.test(location)) return location
  if (location.startsWith('//')) return `${scheme}:${location}`
  return location.startsWith('/') ? `${scheme}://${host}${location}` : undefined
}
