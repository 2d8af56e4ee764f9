import type { ApiToken, Role } from '@hotpatch/api'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readMomentToCome, readRole } from '../arguments/readers.ts'
import { pageQuery, serverCommand, withPage, withYes, type PageOptions } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type SessionOptions } from '../session/session.ts'

interface NewTokenOptions extends SessionOptions {
  name: string
  role: Role
  channel?: string[]
  permission?: string[]
  from?: string[]
  expires?: string
}

interface RevokeOptions extends SessionOptions {
  keepDescendants?: boolean
}

export function addTokenCommands(program: Command, context: CliContext) {
  const tokens = program.command('tokens').description('API tokens of people and machines')

  serverCommand(tokens, 'create', 'makes a token and shows it, this once', withYes)
    .requiredOption('--name <name>', 'whose it is or what it is for')
    .requiredOption('--role <role>', 'owner, admin, publisher or reader', readRole)
    .option('--app <app>', 'id or slug: the token then works for this app only')
    .option('--channel <channel>', 'of the app: it then changes nothing on others; more than once', collect)
    .option('--permission <permission>', 'some of what the role may, such as releases:publish; more than once', collect)
    .option('--from <network>', 'works from there only, such as 203.0.113.0/24; more than once', collect)
    .option('--expires <when>', 'such as 30d, 12h or 2030-01-31', (text) => readMomentToCome(text, context.now()))
    .action((options: NewTokenOptions) => createToken(context, options))

  serverCommand(tokens, 'list', 'lists the tokens, without their secrets', withPage).action((options) =>
    listTokens(context, options),
  )

  serverCommand(tokens, 'revoke', 'makes a token worthless, and every token that was made with it', withYes)
    .argument('<token-id>')
    .option('--keep-descendants', 'tokens that were made with it go on, as if its own maker had made them')
    .action((id: string, options: RevokeOptions) => revokeToken(context, id, options))
}

async function createToken(context: CliContext, options: NewTokenOptions) {
  const { name, role, app, expires, channel: channels, permission: permissions, from: allowedAddresses } = options
  const { api, confirm, output } = await openSession(context, options)
  await confirm(`Make a token that may do what ${role === 'owner' || role === 'admin' ? 'an' : 'a'} ${role} may?`)
  const scope = given({ app, channels, permissions, allowedAddresses, expiresAt: expires })
  const created = await api.createToken({ name, role, ...scope })
  output.result(created, () => output.fields(describe(created)))
  output.notice('Keep the token now: it is not shown again.')
}

async function listTokens(context: CliContext, options: SessionOptions & PageOptions) {
  const { api, output } = await openSession(context, options)
  const page = await api.listTokens(pageQuery(options))
  const columns = ['name', 'role', 'appId', 'channels', 'permissions', 'allowedAddresses'] as const
  output.page(page, [...columns, 'lastUsedAt', 'expiresAt', 'revokedAt', 'createdBy', 'id'], page.items.map(describe))
}

async function revokeToken(context: CliContext, id: string, options: RevokeOptions) {
  const { keepDescendants = false } = options
  const { api, confirm, output } = await openSession(context, options)
  await confirm(`Revoke the token ${id}${keepDescendants ? '' : ' and every token that was made with it'}?`)
  const revoked = await api.revokeToken(id, given({ keepDescendants: keepDescendants || undefined }))
  output.result(revoked, () => output.fields({ ...describe(revoked), alsoRevoked: revoked.alsoRevoked.join(', ') }))
}

const collect = (value: string, before: readonly string[] = []) => [...before, value]

/** Lists in one line; "all" where nothing is said. */
function describe<Token extends ApiToken>(token: Token) {
  const line = (list: readonly string[] | null) => list?.join(', ') ?? 'all'
  const { channels, permissions, allowedAddresses } = token
  return {
    ...token,
    channels: line(channels),
    permissions: line(permissions),
    allowedAddresses: line(allowedAddresses),
  }
}
