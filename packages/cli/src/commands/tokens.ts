import type { Role } from '@hotpatch/api'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readMomentToCome, readRole } from '../arguments/readers.ts'
import { pageQuery, serverCommand, withPage, withYes, type PageOptions } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type SessionOptions } from '../session/session.ts'

interface NewTokenOptions extends SessionOptions {
  name: string
  role: Role
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
  const { name, role, app, expires } = options
  const { api, confirm, output } = await openSession(context, options)
  await confirm(`Make a token that may do what ${role === 'owner' || role === 'admin' ? 'an' : 'a'} ${role} may?`)
  const created = await api.createToken({ name, role, ...given({ app, expiresAt: expires }) })
  output.result(created, () => output.fields(created))
  output.notice('Keep the token now: it is not shown again.')
}

async function listTokens(context: CliContext, options: SessionOptions & PageOptions) {
  const { api, output } = await openSession(context, options)
  const page = await api.listTokens(pageQuery(options))
  output.page(page, ['name', 'role', 'appId', 'lastUsedAt', 'expiresAt', 'revokedAt', 'createdBy', 'id'])
}

async function revokeToken(context: CliContext, id: string, options: RevokeOptions) {
  const { keepDescendants = false } = options
  const { api, confirm, output } = await openSession(context, options)
  await confirm(`Revoke the token ${id}${keepDescendants ? '' : ' and every token that was made with it'}?`)
  const revoked = await api.revokeToken(id, given({ keepDescendants: keepDescendants || undefined }))
  output.result(revoked, () => output.fields({ ...revoked, alsoRevoked: revoked.alsoRevoked.join(', ') }))
}
