import type { CliContext } from '../process/context.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import type { StoredLogin, StoredLogins } from './config-file.ts'

/** A setting and where it was found, for messages. */
export interface Setting {
  value: string
  source: string
}

export interface ConnectionSources {
  flags: { url?: string; token?: string; server?: string }
  env: CliContext['env']
  project: { url?: string | undefined; path: string } | undefined
  logins: StoredLogins
  /** Addresses that the user has accepted before. */
  accepted: ReadonlySet<string>
}

/**
 * The first wins: option, environment, project file, login. In each, an address comes before a server's name.
 * @throws UsageError or CommandError when a name is not known
 */
export function resolveUrl(sources: Omit<ConnectionSources, 'accepted'>): Setting | undefined {
  const { flags, env, project, logins } = sources
  if (flags.url && flags.server) throw new UsageError('Give --url or --server, not both.')
  const url =
    setting(flags.url, '--url') ??
    urlOfNamed(logins, setting(flags.server, '--server')) ??
    setting(env.HOTPATCH_URL, 'HOTPATCH_URL') ??
    urlOfNamed(logins, setting(env.HOTPATCH_SERVER, 'HOTPATCH_SERVER')) ??
    setting(project?.url, project?.path ?? '') ??
    setting(logins.main.url, 'login')
  return url && { ...url, value: checkUrl(url) }
}

/**
 * As for the address, but never from a project file; and none goes to an address that only a project file names, unless
 * the user has logged in there or accepted it: otherwise the project file in somebody's repository could collect tokens.
 * @throws CommandError token-withheld
 */
export function resolveToken(sources: ConnectionSources, url: Setting, programName: string): Setting | undefined {
  const { flags, env, project, logins, accepted } = sources
  const chosen = findChosen(logins, url)
  const login = [chosen, logins.main, ...logins.named.values()].find(
    (each) => each?.url !== undefined && sameForm(each.url) === url.value,
  )
  const token =
    setting(flags.token, '--token') ??
    // A token in the environment is meant for the server that one has in mind without a name.
    setting(chosen?.token, 'login') ??
    setting(env.HOTPATCH_TOKEN, 'HOTPATCH_TOKEN') ??
    setting(login?.token, 'login')
  if (!token) return undefined
  const isOnlyNamed = url.source === project?.path && !login && !accepted.has(url.value)
  if (!isOnlyNamed) return { ...token, value: checkToken(token) }
  throw new CommandError(
    'token-withheld',
    `The token of ${token.source} is not sent to ${url.value}, which only ${url.source} names. If that is your server, ` +
      `set HOTPATCH_URL=${url.value} beside the token, or accept the address once: ${programName} trust server ${url.value}`,
  )
}

/** Two names for one address may have two tokens. */
function findChosen({ named }: StoredLogins, url: Setting): StoredLogin | undefined {
  return [...named].find(([name]) => url.source === sourceOf(name))?.[1]
}

function urlOfNamed({ named }: StoredLogins, name: Setting | undefined): Setting | undefined {
  if (!name) return undefined
  const url = named.get(name.value)?.url
  if (url !== undefined) return { value: url, source: sourceOf(name.value) }
  const known = named.size > 0 ? `known are ${[...named.keys()].join(', ')}` : 'none has a name yet'
  const message = `${name.source}: there is no server named "${name.value}"; ${known}. To add it: login --server ${name.value}`
  throw name.source.startsWith('--') ? new UsageError(message) : new CommandError('server-unknown', message)
}

function sourceOf(name: string): string {
  return `the server ${name}`
}

function setting(value: string | undefined, source: string): Setting | undefined {
  return value === undefined || value === '' ? undefined : { value, source }
}

export function checkUrl({ value, source }: Setting): string {
  try {
    return normalizeUrl(value)
  } catch (cause) {
    // What stands before an "@" may be a password.
    const found = value.includes('@') ? 'an address with a user name or password' : `"${value}"`
    const message = `${source}: expected the server's address, such as https://updates.example.com, found ${found}.`
    throw source.startsWith('--')
      ? new UsageError(message, { cause })
      : new CommandError('url-invalid', message, { cause })
  }
}

/** Without a slash at the end, so that equal addresses are equal texts. */
export function normalizeUrl(text: string): string {
  const url = new URL(text)
  if (!['http:', 'https:'].includes(url.protocol)) throw new TypeError('not http or https')
  if (url.username || url.password) throw new TypeError('a user name or password in it')
  return url.origin + url.pathname.replace(/\/+$/, '')
}

/** Of an address that somebody may have edited by hand, such as with a slash at its end. */
function sameForm(url: string): string {
  try {
    return normalizeUrl(url)
  } catch {
    return url // no address, and equal to none
  }
}

/** A token goes into a header. One that does not fit would appear in the error message of the HTTP client. */
export function checkToken({ value, source }: Setting): string {
  const token = value.trim()
  if (/^[\u0021-\u007e]+$/.test(token)) return token
  const message = `${source}: the API token has blanks or characters that no token has. Copy it again.`
  throw source.startsWith('--') ? new UsageError(message) : new CommandError('token-malformed', message)
}
