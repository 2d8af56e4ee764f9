import type { Command } from 'commander'
import {
  serverCommand,
  withConnection,
  withJson,
  withYes,
  type ConnectionOptions,
  type JsonOptions,
} from '../arguments/shared-options.ts'
import { readStandardInput } from '../arguments/standard-input.ts'
import { configPath, readLogin, removeToken, writeLogin } from '../config/config-file.ts'
import { checkToken, checkUrl, resolveUrl } from '../config/connection.ts'
import { findProject } from '../config/project-file.ts'
import type { CliContext } from '../context.ts'
import { UsageError } from '../errors.ts'
import { createOutput } from '../output/output.ts'
import { createQuestions } from '../output/questions.ts'
import { createClient, openSession } from '../session.ts'

interface LoginOptions extends ConnectionOptions, JsonOptions {
  tokenStdin?: boolean
}

export function addLoginCommands(program: Command, context: CliContext) {
  const login = program.command('login').description('remembers a server and an API token for it')
  withJson(withYes(withConnection(login)))
    .option('--token-stdin', 'read the token from standard input')
    .action((options: LoginOptions) => logIn(context, options))

  withJson(withYes(program.command('logout')))
    .description('forgets the API token')
    .action((options: JsonOptions) => logOut(context, options))

  serverCommand(program, 'whoami', 'shows whose token this is and what it may do').action((options) =>
    showWhoami(context, options),
  )
}

async function logIn(context: CliContext, options: LoginOptions) {
  if (options.token !== undefined && options.tokenStdin) throw new UsageError('Give --token or --token-stdin only.')
  const path = configPath(context.env)
  const url = await findUrl(context, options)
  const token = await findToken(context, options)
  if (url.startsWith('http:') && !isLoopback(url)) {
    createOutput(context, false).notice('This address is not https: everybody on the way can read the token.')
  }
  const whoami = await createClient(context, url, token).whoami()
  await writeLogin(path, { url, token })
  createOutput(context, options.json ?? false).result({ url, ...whoami }, () => {
    context.stdout.write(`Logged in to ${url} as ${whoami.name} (${whoami.role}). Stored in ${path}.\n`)
  })
}

async function findUrl(context: CliContext, flags: LoginOptions): Promise<string> {
  const project = await findProject(context.cwd)
  const login = await readLogin(configPath(context.env))
  const url = resolveUrl({ flags, env: context.env, project, login })
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

async function logOut(context: CliContext, options: JsonOptions) {
  const path = configPath(context.env)
  const removed = await removeToken(path)
  createOutput(context, options.json ?? false).result({ removed, path }, () => {
    context.stdout.write(removed ? `The API token is gone from ${path}.\n` : `There is no API token in ${path}.\n`)
  })
}

async function showWhoami(context: CliContext, options: ConnectionOptions & JsonOptions) {
  const { api, url, output } = await openSession(context, options)
  const whoami = await api.whoami()
  output.result({ url, ...whoami }, () => output.fields({ server: url, ...whoami }))
}
