import type { AllowInsecure } from '@hotpatch/device-ground'

/** Web bundle §7: addresses are joined as text, the same in every language; nothing is guessed from a current page. */

export const MANIFEST_PATH = '/api/v1/native/bundle/manifest'
const MANIFEST_FOLDER = MANIFEST_PATH.slice(0, MANIFEST_PATH.lastIndexOf('/') + 1)

// "@" is refused, as "http://localhost@example.com" is not localhost; a backslash is a slash to some readers.
const ADDRESS = /^(https?):\/\/([^/?#@\\\s]+)((?:\/[^?#\\\s]*)?)(\?[^#\\\s]*)?$/i
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i

/** The server's address without the slashes at its end; undefined when it is none, or has a query. */
export function serverBase(serverUrl: string): string | undefined {
  const [, scheme, host, path = '', query] = ADDRESS.exec(serverUrl) ?? []
  if (!scheme || !host || query !== undefined) return undefined
  return `${scheme.toLowerCase()}://${host}${path.replace(/\/+$/, '')}`
}

/** `path` begins with a slash and is below the server, wherever that is mounted. */
export function joinAddress(serverUrl: string, path: string): string | undefined {
  const base = serverBase(serverUrl)
  return base === undefined ? undefined : base + path
}

/**
 * Where a bundle is. Absolute: there. "/a/b": below the server, or on its host when it names the server's own path, as a
 * server does that knows where it is mounted. "b": beside the manifest.
 */
export function bundleAddress(serverUrl: string, url: string): string | undefined {
  if (ADDRESS.test(url)) return url
  const base = serverBase(serverUrl)
  // What is left is a path: nothing with a scheme, another host, or steps upwards.
  if (base === undefined || !/^(?!\/\/)[^:?#\\\s]+(?:\?[^#\\\s]*)?$/.test(url)) return undefined
  const [path = ''] = url.split('?')
  if (path.split('/').some((segment) => segment === '..' || segment === '.')) return undefined
  if (!url.startsWith('/')) return base + MANIFEST_FOLDER + url
  const [, , host = '', mounted = ''] = ADDRESS.exec(base) ?? []
  const origin = base.slice(0, base.indexOf(host) + host.length)
  return mounted !== '' && path.startsWith(`${mounted}/`) ? origin + url : base + url
}

/** Only https:, unless this address is allowed in the clear; never from https: to http:. */
export function isAllowedAddress(url: string, serverUrl: string, allowInsecure: AllowInsecure): boolean {
  const [, scheme, host] = ADDRESS.exec(url) ?? []
  if (!scheme || !host) return false
  if (scheme.toLowerCase() === 'https') return true
  if (/^https:/i.test(serverUrl)) return false
  return allowInsecure === true || (allowInsecure === 'loopback' && LOOPBACK.test(host))
}
