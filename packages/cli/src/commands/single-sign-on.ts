import type { NewSingleSignOn, SingleSignOn } from '@hotpatch/api'
import { InvalidArgumentError, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readRole } from '../arguments/readers.ts'
import { serverCommand, withYes } from '../arguments/shared-options.ts'
import { readStandardInput } from '../arguments/standard-input.ts'
import { UsageError } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'

type GroupGrant = NewSingleSignOn['groups'][number]

interface SetOptions extends SessionOptions {
  name: string
  issuer: string
  clientId: string
  secretStdin?: boolean
  publicClient?: boolean
  scopes?: string[]
  groupClaim?: string
  group?: GroupGrant[]
  makePeople?: boolean
  linkPeople?: boolean
  believeEmails?: boolean
  onlyWay?: boolean
  sessionHours?: number
}

export function addSingleSignOnCommands(program: Command, context: CliContext) {
  const commands = program.command('single-sign-on').description('the issuer of OpenID Connect at which people sign in')

  serverCommand(commands, 'show', 'shows the issuer, without its secret').action((options: SessionOptions) =>
    show(context, options),
  )

  serverCommand(commands, 'set', 'lets people sign in at an issuer, which is asked before anything is kept', withYes)
    .requiredOption('--name <name>', 'on the button: "Sign in with …"')
    .requiredOption('--issuer <address>', 'such as https://accounts.example.com/realms/acme')
    .requiredOption('--client-id <id>', 'what the issuer calls this server')
    .option(
      '--secret-stdin',
      'read the client secret from standard input; else HOTPATCH_CLIENT_SECRET, else the one that is there',
    )
    .option('--public-client', 'the issuer gave no secret')
    .option(
      '--group <group=role>',
      'what members of a group may, such as mobile=publisher, or mobile=publisher@my-app for one app; again for more',
      readGroup,
    )
    .option('--group-claim <claim>', 'what tells the groups: "groups" when absent, with dots into objects')
    .option('--scopes <scopes>', 'comma-separated: openid,email,profile when absent', readWords)
    .option('--make-people', 'whoever comes with a group that gives something gets an account')
    .option('--link-people', 'whoever comes with the verified e-mail address of a person here is that person')
    .option('--believe-emails', 'every address that the issuer tells is verified')
    .option('--only-way', 'nobody but owners signs in by a password or a passkey any more')
    .option('--session-hours <hours>', 'after which people sign in again, 1 to 720; 12 when absent', readHours)
    .action((options: SetOptions) => set(context, options))

  serverCommand(
    commands,
    'remove',
    'ends it, with the sessions that were begun by it and what groups gave',
    withYes,
  ).action((options: SessionOptions) => remove(context, options))
}

async function show(context: CliContext, options: SessionOptions) {
  const session = await openSession(context, options)
  showSettings(session, await session.api.getSingleSignOn())
}

async function set(context: CliContext, options: SetOptions) {
  const session = await openSession(context, options)
  const clientSecret = await findSecret(context, options)
  const { name, issuer, clientId, scopes, groupClaim, group = [], sessionHours } = options
  await session.confirm(
    `Let people sign in at ${issuer}${options.onlyWay ? ', and but for owners by nothing else' : ''}?`,
  )
  const settings = await session.api.setSingleSignOn({
    name,
    issuer,
    clientId,
    groups: group,
    ...given({ clientSecret, scopes, groupClaim, sessionHours }),
    makesPeople: options.makePeople ?? false,
    linksPeople: options.linkPeople ?? false,
    believesEmails: options.believeEmails ?? false,
    isOnlyWay: options.onlyWay ?? false,
  })
  showSettings(session, settings)
  session.output.notice(`The issuer has to know this redirect address: ${settings.callbackUrl}`)
}

/** Null: there is none; undefined: the one that is there. */
async function findSecret(
  { env, stdin }: CliContext,
  { secretStdin, publicClient }: SetOptions,
): Promise<string | null | undefined> {
  if (publicClient && secretStdin) throw new UsageError('Give --public-client or --secret-stdin, not both.')
  if (publicClient) return null
  if (!secretStdin) return env.HOTPATCH_CLIENT_SECRET
  const secret = (await readStandardInput(stdin, 'a client secret')).trim()
  if (secret === '')
    throw new UsageError('--secret-stdin: expected the client secret on standard input, found nothing.')
  return secret
}

async function remove(context: CliContext, options: SessionOptions) {
  const { api, confirm, output } = await openSession(context, options)
  await confirm('End single sign-on, sign out everybody who came by it, and take what groups gave?')
  const removed = await api.removeSingleSignOn()
  output.result(removed, () => output.line(`Removed: ${removed.name}`))
}

function showSettings({ output }: Session, settings: SingleSignOn) {
  const { groups, scopes, ...fields } = settings
  const said = groups.map(({ group, role, appId }) => `${group}=${role}${appId === null ? '' : `@${appId}`}`)
  output.result(settings, () => output.fields({ ...fields, scopes: scopes.join(', '), groups: said.join(', ') }))
}

/** The last "=" counts: names of groups have them, too, such as cn=mobile,ou=teams. */
function readGroup(text: string, before: GroupGrant[] = []): GroupGrant[] {
  const at = text.lastIndexOf('=')
  if (at < 1)
    throw new InvalidArgumentError('Expected group=role, such as mobile=publisher or mobile=publisher@my-app.')
  const [role = '', app] = text.slice(at + 1).split('@')
  return [...before, { group: text.slice(0, at), role: readRole(role), ...given({ app }) }]
}

function readWords(text: string): string[] {
  return text.split(',').map((word) => word.trim())
}

function readHours(text: string): number {
  const hours = Number(text)
  if (Number.isInteger(hours) && hours >= 1 && hours <= 720) return hours
  throw new InvalidArgumentError('Expected hours, 1 to 720.')
}
