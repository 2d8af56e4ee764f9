import type { NewTrustRule, Role, TrustCondition, TrustExplanation, TrustRule, TrustRuleChanges } from '@hotpatch/api'
import { InvalidArgumentError, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readRole } from '../arguments/readers.ts'
import { pageQuery, serverCommand, withPage, withYes, type PageOptions } from '../arguments/shared-options.ts'
import { readStandardInput } from '../arguments/standard-input.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type SessionOptions } from '../session/session.ts'

interface AddOptions extends SessionOptions {
  issuer: string
  condition: TrustCondition[]
  audience?: string
  role: Role
  allApps?: boolean
  channels?: string[]
  permissions?: string[]
  lifetime?: number
}

interface UpdateOptions extends SessionOptions {
  name?: string
  issuer?: string
  condition?: TrustCondition[]
  audience?: string
  role?: Role
  allApps?: boolean
  channels?: string[]
  allChannels?: boolean
  permissions?: string[]
  allPermissions?: boolean
  lifetime?: number
}

/** Those that most have, by the word that people have for them. */
const ISSUERS = new Map([
  ['github', 'https://token.actions.githubusercontent.com'],
  ['gitlab', 'https://gitlab.com'],
])

export function addTrustRuleCommands(program: Command, context: CliContext) {
  const rules = program.command('trust-rules').description('CI jobs that get tokens without a secret')

  serverCommand(rules, 'list', 'lists the rules by which jobs get tokens', withPage).action(
    (options: SessionOptions & PageOptions) => listRules(context, options),
  )

  serverCommand(rules, 'add', 'lets the jobs of a repository have short-lived tokens', withYes)
    .argument('<name>', 'such as publish, which jobs name')
    .requiredOption(
      '--issuer <issuer>',
      'github, gitlab, or the address of another issuer of OpenID Connect',
      readIssuer,
    )
    .requiredOption(
      '--condition <claim=value>',
      'what the token of a job must say, such as repository=acme/app; again for more, which all must be met; * stands for anything but "/" and ":", ** for anything',
      readCondition,
    )
    .requiredOption('--role <role>', 'owner, admin, publisher or reader', readRole)
    .option('--app <app>', 'id or slug: its tokens then work for this app only')
    .option('--all-apps', 'its tokens work for every app')
    .option('--channels <channels>', 'comma-separated: its tokens then work on these only', readWords)
    .option('--permissions <permissions>', 'comma-separated: its tokens then have these only, of the role', readWords)
    .option('--audience <audience>', "whom the job's token is for; the address of the server when absent")
    .option('--lifetime <minutes>', 'how long a token works, 1 to 60; 15 when absent', readMinutes)
    .action((name: string, options: AddOptions) => addRule(context, name, options))

  serverCommand(
    rules,
    'update',
    'changes what is given here of a rule; what jobs have got by it ends, but where only name or lifetime change',
    withYes,
  )
    .argument('<rule-id>')
    .option('--name <name>', 'another name')
    .option('--issuer <issuer>', 'github, gitlab, or the address of another issuer of OpenID Connect', readIssuer)
    .option('--condition <claim=value>', 'all that is to be met from now on; again for more', readCondition)
    .option('--role <role>', 'owner, admin, publisher or reader', readRole)
    .option('--app <app>', 'id or slug: its tokens then work for this app only')
    .option('--all-apps', 'its tokens work for every app')
    .option('--channels <channels>', 'comma-separated: its tokens then work on these only', readWords)
    .option('--all-channels', 'its tokens work on every channel')
    .option('--permissions <permissions>', 'comma-separated: its tokens then have these only, of the role', readWords)
    .option('--all-permissions', 'its tokens have all that the role has')
    .option('--audience <audience>', "whom the job's token is for")
    .option('--lifetime <minutes>', 'how long a token works, 1 to 60', readMinutes)
    .action((id: string, options: UpdateOptions) => updateRule(context, id, options))

  serverCommand(
    rules,
    'remove',
    'lets nobody in by a rule any more, and ends all tokens that jobs have got by it',
    withYes,
  )
    .argument('<rule-id>')
    .action((id: string, options: SessionOptions) => removeRule(context, id, options))

  serverCommand(
    rules,
    'explain',
    "says why a job's token is let in or not, rule by rule; reads it from standard input",
  ).action((options: SessionOptions) => explainToken(context, options))
}

async function listRules(context: CliContext, options: SessionOptions & PageOptions) {
  const { api, output } = await openSession(context, options)
  const page = await api.listTrustRules(pageQuery(options))
  const shown = page.items.map(shownRule)
  output.page(page, ['name', 'issuer', 'conditions', 'role', 'app', 'lastUsedAt', 'endedAt', 'id'], shown)
}

async function addRule(context: CliContext, name: string, options: AddOptions) {
  const session = await openSession(context, options)
  const { url, api, output } = session
  const app = options.allApps ? undefined : await session.chooseApp()
  const { issuer, condition: conditions, role, channels, permissions, lifetime: lifetimeMinutes } = options
  const where = app ? `the app "${app.slug}"` : 'every app'
  await session.confirm(`Let jobs with ${conditions.map(sayCondition).join(' and ')} act as ${role} for ${where}?`)
  const rule: NewTrustRule = { name, issuer, audience: options.audience ?? url, conditions, role }
  const created = await api.createTrustRule({
    ...rule,
    ...given({ app: app?.id, channels, permissions, lifetimeMinutes }),
  })
  output.result(created, () => output.fields(shownRule(created)))
}

async function updateRule(context: CliContext, id: string, options: UpdateOptions) {
  const changes = readChanges(options)
  const words = Object.keys(changes)
  if (words.length === 0) throw new UsageError('Give what is to change, such as --condition or --lifetime.')
  const { api, confirm, output } = await openSession(context, options)
  await confirm(`Change the trust rule ${id}: ${words.join(', ')}?`)
  const changed = await api.changeTrustRule(id, changes)
  output.result(changed, () => output.fields(shownRule(changed)))
}

function readChanges(options: UpdateOptions): TrustRuleChanges {
  const { name, issuer, audience, condition: conditions, role, lifetime: lifetimeMinutes } = options
  const app = limitOf(options.app, options.allApps, '--app', '--all-apps')
  const channels = limitOf(options.channels, options.allChannels, '--channels', '--all-channels')
  const permissions = limitOf(options.permissions, options.allPermissions, '--permissions', '--all-permissions')
  return given({ name, issuer, audience, conditions, role, app, channels, permissions, lifetimeMinutes })
}

/** Null takes it away. */
function limitOf<Limit>(limit: Limit | undefined, isNone: boolean | undefined, ...[one, other]: [string, string]) {
  if (limit !== undefined && isNone) throw new UsageError(`Give ${one} or ${other}, not both.`)
  return isNone ? null : limit
}

async function removeRule(context: CliContext, id: string, options: SessionOptions) {
  const { api, confirm, output } = await openSession(context, options)
  await confirm(`Remove the trust rule ${id}, and end all tokens that jobs have got by it?`)
  const removed = await api.removeTrustRule(id)
  output.result(removed, () => output.line(`Removed: ${removed.name}`))
}

async function explainToken(context: CliContext, options: SessionOptions) {
  const { api, output } = await openSession(context, options)
  const token = (await readStandardInput(context.stdin, 'an identity token')).trim()
  if (token === '') throw new CommandError('token-missing', 'Expected an identity token on standard input, found none.')
  const explanation = await api.explainTrust({ token })
  output.result(explanation, () => sayExplanation(explanation).forEach((line) => output.line(line)))
}

function sayExplanation({ issuer, audience, refusal, claims, rules }: TrustExplanation): string[] {
  const found = Object.entries(claims).map(([claim, value]) => `  ${claim}: ${value}`)
  const compared = rules.flatMap(({ name, fits, differences }) => [
    `${fits ? 'Fits' : 'Does not fit'}: ${name}`,
    ...differences.map(({ claim, expected, found }) => `  ${claim}: expected ${expected}, found ${found ?? 'none'}`),
  ])
  const said = refusal === null ? [] : [`Worth nothing here: ${refusal}`]
  return [`Issuer: ${issuer}`, `Audience: ${audience}`, ...found, ...said, ...compared]
}

function shownRule({ conditions, appId, channels, permissions, ...rule }: TrustRule) {
  return {
    ...rule,
    conditions: conditions.map(sayCondition).join(', '),
    app: appId ?? 'every app',
    channels: channels?.join(', ') ?? 'all',
    permissions: permissions?.join(', ') ?? 'those of the role',
  }
}

function sayCondition({ claim, matches }: TrustCondition): string {
  return `${claim}=${matches}`
}

function readIssuer(text: string): string {
  return ISSUERS.get(text) ?? text
}

function readCondition(text: string, before: TrustCondition[] = []): TrustCondition[] {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1)
    throw new InvalidArgumentError('Expected claim=value, such as ref=refs/heads/main.')
  return [...before, { claim: text.slice(0, at), matches: text.slice(at + 1) }]
}

function readWords(text: string): string[] {
  return text.split(',').map((word) => word.trim())
}

function readMinutes(text: string): number {
  const minutes = Number(text)
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= 60) return minutes
  throw new InvalidArgumentError('Expected minutes, 1 to 60.')
}
