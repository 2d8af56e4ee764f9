import type { CliContext } from '../context.ts'
import { CommandError, UsageError } from '../errors.ts'
import type { StoredLogin } from './config-file.ts'

/** A setting and where it was found, for messages. */
export interface Setting {
  value: string
  source: string
}

export interface ConnectionSources {
  flags: { url?: string; token?: string }
  env: CliContext['env']
  project: { url?: string | undefined; path: string } | undefined
  login: StoredLogin
  /** Addresses that the user has accepted before. */
  accepted: ReadonlySet<string>
}

/** The first wins: option, environment, project file, login. */
export function resolveUrl({ flags, env, project, login }: Omit<ConnectionSources, 'accepted'>): Setting | undefined {
  const url =
    setting(flags.url, '--url') ??
    setting(env.HOTPATCH_URL, 'HOTPATCH_URL') ??
    setting(project?.url, project?.path ?? '') ??
    setting(login.url, 'login')
  return url && { ...url, value: checkUrl(url) }
}

/**
 * As for the address, but never from a project file; and none goes to an address that only a project file names, unless
 * the user has logged in there or accepted it: otherwise the project file in somebody's repository could collect tokens.
 * @throws CommandError token-withheld
 */
export function resolveToken(sources: ConnectionSources, url: Setting, programName: string): Setting | undefined {
  const { flags, env, project, login, accepted } = sources
  const token =
    setting(flags.token, '--token') ??
    setting(env.HOTPATCH_TOKEN, 'HOTPATCH_TOKEN') ??
    setting(login.url === url.value ? login.token : undefined, 'login')
  if (!token) return undefined
  const isOnlyNamed = url.source === project?.path && login.url !== url.value && !accepted.has(url.value)
  if (!isOnlyNamed) return { ...token, value: checkToken(token) }
  throw new CommandError(
    'token-withheld',
    `The token of ${token.source} is not sent to ${url.value}, which only ${url.source} names. If that is your server, ` +
      `set HOTPATCH_URL=${url.value} beside the token, or accept the address once: ${programName} trust server ${url.value}`,
  )
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

/** A token goes into a header. One that does not fit would appear in the error message of the HTTP client. */
export function checkToken({ value, source }: Setting): string {
  const token = value.trim()
  if (/^[\u0021-\u007e]+$/.test(token)) return token
  const message = `${source}: the API token has blanks or characters that no token has. Copy it again.`
  throw source.startsWith('--') ? new UsageError(message) : new CommandError('token-malformed', message)
}
