import type { Command } from 'commander'
import {
  serverCommand,
  withConnection,
  withJson,
  withYes,
  type ConnectionOptions,
  type ConsentOptions,
  type JsonOptions,
} from '../arguments/shared-options.ts'
import { readStandardInput } from '../arguments/standard-input.ts'
import { configPath, readLogins, removeToken, writeLogin } from '../config/config-file.ts'
import { checkToken, checkUrl, resolveUrl } from '../config/connection.ts'
import { findProject } from '../config/project-file.ts'
import type { CliContext } from '../process/context.ts'
import { UsageError } from '../errors/errors.ts'
import { createOutput } from '../output/output.ts'
import { createQuestions } from '../output/questions.ts'
import { exchangeIdentity } from '../identity/exchange-identity.ts'
import { createClient, findConnection, openSession } from '../session/session.ts'

interface LogoutOptions extends JsonOptions, ConsentOptions {
  server?: string
  revoke?: boolean
}

interface LoginOptions extends ConnectionOptions, JsonOptions {
  tokenStdin?: boolean
  ci?: boolean
  rule?: string
  audience?: string
  print?: boolean
}

export function addLoginCommands(program: Command, context: CliContext) {
  addLoginCommand(program, 'login', context)

  withJson(withYes(program.command('logout')))
    .description('forgets the API token')
    .option('--server <name>', 'of this server')
    .option(
      '--revoke',
      'ends the token on the server, too, and every token that was made with it; also one of HOTPATCH_TOKEN',
    )
    .action((options: LogoutOptions) => logOut(context, options))

  withJson(program.command('servers'))
    .description('lists the servers that login remembers')
    .action((options: JsonOptions) => listServers(context, options))

  serverCommand(program, 'whoami', 'shows whose token this is and what it may do').action((options) =>
    showWhoami(context, options),
  )
}

/** Under the name that people know it by. */
export function addLoginCommand(parent: Command, name: string, context: CliContext) {
  const login = parent.command(name).description('remembers a server and an API token for it')
  withJson(withYes(withConnection(login)))
    .option('--token-stdin', 'read the token from standard input')
    .option('--ci', 'get a short-lived token for this job by what its CI says of it; see trust-rules')
    .option('--rule <name>', 'with --ci: of several trust rules that let this job in, which one')
    .option('--audience <audience>', "with --ci: whom the job's token is for; the address of the server when absent")
    .option('--print', 'with --ci: print the token instead of remembering it')
    .action((options: LoginOptions) => logIn(context, options))
}

async function logIn(context: CliContext, options: LoginOptions) {
  if (options.token !== undefined && options.tokenStdin) throw new UsageError('Give --token or --token-stdin only.')
  if (options.server !== undefined && !/^[a-z0-9][a-z0-9_-]{0,62}$/.test(options.server)) {
    throw new UsageError('--server: expected lower-case letters, digits, "_" or "-", such as staging.')
  }
  requireFitting(options)
  const path = configPath(context.env)
  const url = await findUrl(context, options)
  const token = options.ci ? await findTokenOfJob(context, url, options) : await findToken(context, options)
  if (url.startsWith('http:') && !isLoopback(url)) {
    createOutput(context, false).notice('This address is not https: everybody on the way can read the token.')
  }
  if (options.print) return void context.stdout.write(`${token}\n`)
  const whoami = await createClient(context, url, token).whoami()
  await writeLogin(path, { url, token }, options.server)
  createOutput(context, options.json ?? false).result({ url, ...whoami }, () => {
    context.stdout.write(`Logged in to ${url} as ${whoami.name} (${whoami.role}). Stored in ${path}.\n`)
  })
}

function requireFitting({ ci, token, tokenStdin, rule, audience, print }: LoginOptions): void {
  if (ci && (token !== undefined || tokenStdin)) throw new UsageError('Give --ci or a token, not both.')
  if (!ci && (rule !== undefined || audience !== undefined || print)) {
    throw new UsageError('--rule, --audience and --print go with --ci.')
  }
}

async function findTokenOfJob(context: CliContext, url: string, options: LoginOptions): Promise<string> {
  const { access_token: token } = await exchangeIdentity(context, url, options)
  return checkToken({ value: token, source: 'The server' })
}

async function findUrl(context: CliContext, options: LoginOptions): Promise<string> {
  const { server, ...flags } = options
  const project = await findProject(context.cwd)
  const logins = await readLogins(configPath(context.env))
  const known = server !== undefined && flags.url === undefined ? logins.named.get(server)?.url : undefined
  // Logging in again to a server that has a name.
  if (known !== undefined) return known
  const url = resolveUrl({ flags, env: context.env, project, logins })
  const isChosen = flags.url !== undefined || context.env.HOTPATCH_URL !== undefined
  // A project file may suggest where the token goes. It takes a person, or who called this, to say yes to it.
  if (url && (isChosen || (!context.isTTY && url.source !== project?.path))) return url.value
  const questions = createQuestions(context)
  questions.requireTerminal("The server's address is missing", '--url or HOTPATCH_URL')
  const answer = await questions.text('Address of the server', url?.value ?? 'http://localhost:8080')
  return checkUrl({ value: answer, source: 'The answer' })
}

async function findToken(context: CliContext, options: LoginOptions): Promise<string> {
  if (options.tokenStdin)
    return checkToken({ value: await readStandardInput(context.stdin, 'an API token'), source: 'Standard input' })
  if (options.token !== undefined) return checkToken({ value: options.token, source: '--token' })
  if (context.env.HOTPATCH_TOKEN) return checkToken({ value: context.env.HOTPATCH_TOKEN, source: 'HOTPATCH_TOKEN' })
  const questions = createQuestions(context)
  questions.requireTerminal('The API token is missing', '--token, --token-stdin or HOTPATCH_TOKEN')
  return checkToken({ value: await questions.secret('API token'), source: 'The answer' })
}

function isLoopback(url: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname)
}

async function listServers(context: CliContext, options: JsonOptions) {
  const { main, named } = await readLogins(configPath(context.env))
  const servers = [['', main] as const, ...named].flatMap(([name, { url, token }]) =>
    url === undefined ? [] : [{ name: name || null, url, isLoggedIn: token !== undefined }],
  )
  const output = createOutput(context, options.json ?? false)
  output.page({ items: servers, nextCursor: null }, ['name', 'url', 'isLoggedIn'])
}

async function logOut(context: CliContext, options: LogoutOptions) {
  const path = configPath(context.env)
  if (options.revoke) return revokeAndForget(context, path, options)
  const removed = await removeToken(path, options.server)
  createOutput(context, options.json ?? false).result({ removed, path }, () => {
    context.stdout.write(removed ? `The API token is gone from ${path}.\n` : `There is no API token in ${path}.\n`)
  })
}

/** What is stored is forgotten if it is this token, and not one of another server that is in use here. */
async function revokeAndForget(context: CliContext, path: string, options: LogoutOptions) {
  const { api, confirm, output } = await openSession(context, options)
  const { token, logins } = await findConnection(context, options)
  const { name } = await api.whoami()
  await confirm(`Revoke the token "${name}", and every token that was made with it?`)
  const revoked = await api.revokeOwnToken()
  const stored = options.server === undefined ? logins.main : logins.named.get(options.server)
  const removed = stored?.token?.trim() === token.value && (await removeToken(path, options.server))
  output.result({ removed, path, revoked }, () => {
    output.line(`Revoked: ${revoked.name}`)
    if (removed) output.line(`It is gone from ${path}, too.`)
  })
}

async function showWhoami(context: CliContext, options: ConnectionOptions & JsonOptions) {
  const { api, url, output } = await openSession(context, options)
  const whoami = await api.whoami()
  output.result({ url, ...whoami }, () => output.fields({ server: url, ...whoami }))
}
