import { ApiProblem, createManagementClient, type App, type ManagementClient } from '@hotpatch/api'
import type { AppOptions, ConnectionOptions, ConsentOptions, JsonOptions } from '../arguments/shared-options.ts'
import { configPath, readLogins } from '../config/config-file.ts'
import { resolveToken, resolveUrl } from '../config/connection.ts'
import { findProject, type Project } from '../config/project-file.ts'
import { proxiedFetch } from '../config/proxy.ts'
import { readAcceptedServers, trustPath } from '../config/trust-file.ts'
import type { CliContext } from '../process/context.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { createOutput, type Output } from '../output/output.ts'
import { mostSimilar } from '../output/similar-names.ts'
import { printable } from '../output/text.ts'
import { createQuestions } from '../output/questions.ts'
import { openAppTrust, type AppTrust } from './app-trust.ts'

export type SessionOptions = ConnectionOptions & AppOptions & ConsentOptions & JsonOptions

/** What a command works with. */
export interface Session {
  context: CliContext
  output: Output
  project: Project | undefined
  url: string
  api: ManagementClient
  /** What was accepted before, of servers, apps and keys. */
  trust: AppTrust
  /** --app, else the project file's, else the only one that the server has. */
  chooseApp(): Promise<App>
  /** The app of something that was named by its own id. */
  getApp(appId: string): Promise<App>
  /** Stops before any work is done when nobody could be asked and --yes is missing. */
  requireConsent(): void
  /** Asks, unless --yes was given. */
  confirm(question: string): Promise<void>
  /** Asks what may be answered with no; with --yes it is yes. */
  ask(question: string): Promise<boolean>
  /** Asks which of several is meant: the place of it. With --yes, and without a terminal, says what to do instead. */
  choose(question: string, from: readonly string[], advice: string): Promise<number>
}

/** @throws CommandError not-logged-in */
export async function findConnection(context: CliContext, options: ConnectionOptions) {
  const project = await findProject(context.cwd)
  const logins = await readLogins(configPath(context.env))
  const accepted = await readAcceptedServers(trustPath(context.env))
  const sources = { flags: options, env: context.env, project, logins, accepted }
  const url = resolveUrl(sources)
  if (!url) {
    throw new CommandError(
      'not-logged-in',
      `There is no server to talk to. Run "${context.programName} login", or set HOTPATCH_URL and HOTPATCH_TOKEN.`,
    )
  }
  const token = resolveToken(sources, url, context.programName)
  if (!token) {
    throw new CommandError(
      'not-logged-in',
      `There is no API token for ${url.value} (from ${url.source}). ` +
        `Run "${context.programName} login --url ${url.value}", or set HOTPATCH_TOKEN.`,
    )
  }
  return { url, token, project, logins }
}

export async function openSession(context: CliContext, options: SessionOptions): Promise<Session> {
  const output = createOutput(context, options.json ?? false)
  const questions = createQuestions(context)
  const { url, token, project } = await findConnection(context, options)
  const api = createClient(context, url.value, token.value)
  const trust = await openAppTrust(context, project, url.value)

  const named = options.app ?? project?.app ?? project?.appId

  async function findNamed(idOrSlug: string): Promise<App> {
    const app = await api.getApp(idOrSlug)
    trust.requireSame(app, idOrSlug)
    return app
  }

  async function getApp(appId: string): Promise<App> {
    const app = await findNamed(appId)
    // The server said whose it is: it has to be the app that is meant here.
    trust.requireSame(app, named)
    return app
  }

  async function chooseApp(): Promise<App> {
    if (named !== undefined) return findNamed(named).catch(suggestApp(api, named))
    const { items } = await api.listApps({ limit: 2 })
    const [only] = items
    if (only && items.length === 1) {
      trust.requireSame(only, undefined)
      output.notice(`App: ${only.slug}, the only one on the server.`)
      return only
    }
    if (only) throw new UsageError('The server has several apps. Name one with --app, or in hotpatch.json.')
    throw new CommandError('no-apps', `The server has no app yet. Make one: ${context.programName} apps create my-app`)
  }

  function requireConsent() {
    if (!options.yes) questions.requireTerminal('This changes something', '--yes')
  }

  async function confirm(question: string) {
    requireConsent()
    if (!options.yes) await questions.confirm(printable(`On ${url.value}: ${question}`))
  }

  async function ask(question: string): Promise<boolean> {
    requireConsent()
    return options.yes === true || questions.ask(printable(question))
  }

  async function choose(question: string, from: readonly string[], advice: string): Promise<number> {
    if (options.yes || !context.isTTY) throw new UsageError(`${question} ${advice}`)
    return questions.choose(printable(question), from.map(printable))
  }

  return {
    context,
    output,
    project,
    url: url.value,
    api,
    trust,
    chooseApp,
    getApp,
    requireConsent,
    confirm,
    ask,
    choose,
  }
}

/** For a slug that the server does not have: names the most similar one, of those that this token may see. */
function suggestApp(api: ManagementClient, named: string) {
  return async (error: unknown): Promise<never> => {
    if (!(error instanceof ApiProblem && error.type === 'app-not-found')) throw error
    const { items } = await api.listApps({ limit: 200 })
    const slugs = items.map(({ slug }) => slug)
    const similar = mostSimilar(named, slugs)
    const hint = similar === undefined ? 'See: apps list' : `Did you mean "${similar}"?`
    throw new CommandError('app-not-found', `The server has no app "${named}". ${hint}`, { cause: error })
  }
}

/** Its requests end with Ctrl-C. */
export function createClient({ signal, env }: CliContext, url: string, token: string | undefined): ManagementClient {
  const send = proxiedFetch(env, url)
  const fetch: typeof globalThis.fetch = (input, init) => {
    const signals = init?.signal ? [init.signal, signal] : [signal]
    return send(input, { ...init, redirect: 'error', signal: AbortSignal.any(signals) })
  }
  return createManagementClient({ url, token, fetch })
}
