import { randomUUID } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { parse, stringify, TomlError } from 'smol-toml'
import type { CliContext } from '../process/context.ts'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'

/** What `login` remembers. The token belongs to this server and is sent to no other. */
export interface StoredLogin {
  url?: string
  token?: string
}

/** The server that commands talk to when none is named, and those that have a name. */
export interface StoredLogins {
  main: StoredLogin
  named: ReadonlyMap<string, StoredLogin>
}

type Env = CliContext['env']

/**
 * ~/.rn-ota holds the login, the signing key and what is trusted. Never a folder that depends on where the command runs:
 * it might be published.
 */
export function userDirectory(env: Env): string {
  // Not os.homedir(), which believes the variable even when it is empty.
  const home = env.HOME || env.USERPROFILE || userInfo().homedir
  if (isAbsolute(home)) return join(home, '.rn-ota')
  const message = `Your home folder: expected an absolute path in HOME or USERPROFILE, found ${JSON.stringify(home)}.`
  throw new CommandError('home-invalid', message)
}

export function configPath(env: Env): string {
  return join(userDirectory(env), 'config.toml')
}

/** Empty when there is no file yet. */
export async function readLogins(path: string): Promise<StoredLogins> {
  const config = await readConfig(path)
  const named = Object.entries(serversOf(config, path)).map(([name, table]) => [name, loginOf(table, path)] as const)
  return { main: loginOf(config, path), named: new Map(named) }
}

/** @param name of a server beside the main one */
export async function writeLogin(path: string, login: Required<StoredLogin>, name?: string): Promise<void> {
  const config = await readConfig(path)
  if (name === undefined) return replaceConfig(path, { ...config, ...login })
  await replaceConfig(path, { ...config, servers: { ...serversOf(config, path), [name]: login } })
}

/** Forgets the token and keeps the address, which the next login then offers. False when there was no token. */
export async function removeToken(path: string, name?: string): Promise<boolean> {
  const config = await readConfig(path)
  const servers = serversOf(config, path)
  const { token, ...rest } = name === undefined ? config : recordOf(servers[name] ?? {}, path)
  if (token === undefined) return false
  await replaceConfig(path, name === undefined ? rest : { ...config, servers: { ...servers, [name]: rest } })
  return true
}

function serversOf({ servers = {} }: Record<string, unknown>, path: string): Record<string, unknown> {
  return recordOf(servers, path)
}

function loginOf(table: unknown, path: string): StoredLogin {
  const { url, token } = recordOf(table, path)
  for (const [name, value] of Object.entries({ url, token })) {
    if (value === undefined || typeof value === 'string') continue
    throw new CommandError('config-invalid', `${path}: "${name}" should be a string. Correct it, or log in again.`)
  }
  return { ...(typeof url === 'string' && { url }), ...(typeof token === 'string' && { token }) }
}

function recordOf(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  throw new CommandError('config-invalid', `${path}: each of "servers" should be a table. Correct it, or log in again.`)
}

async function readConfig(path: string): Promise<Record<string, unknown>> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return {}
    throw new CommandError('config-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
  try {
    return parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    // TOML's own message quotes the line, which may be the one with the token.
    const line = error instanceof TomlError ? ` at line ${error.line}, column ${error.column}` : ''
    throw new CommandError(
      'config-invalid',
      `${path} is not valid TOML${line}. Correct it, or delete it and log in again.`,
    )
  }
}

async function replaceConfig(path: string, config: Record<string, unknown>): Promise<void> {
  await writePrivateFile(path, stringify(config) + '\n', { replace: true })
}

/** For its owner's eyes only, from the first byte on, and never half-written. */
export async function writePrivateFile(path: string, text: string, { replace }: { replace: boolean }): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    if (!replace) return await writeFile(path, text, { mode: 0o600, flag: 'wx' })
    const temporary = `${path}.${randomUUID()}`
    await writeFile(temporary, text, { mode: 0o600, flag: 'wx' })
    await chmod(temporary, 0o600)
    await rename(temporary, path)
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) throw cause
    throw new CommandError('file-unwritable', `${path} cannot be written: ${systemReason(cause)}.`, { cause })
  }
}
