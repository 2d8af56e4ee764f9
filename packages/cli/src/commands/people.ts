import type { HeldGrant, ManagementClient, NewPersonGrant, Person, PersonGrant } from '@hotpatch/api'
import { InvalidArgumentError, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readRole } from '../arguments/readers.ts'
import { pageQuery, serverCommand, withPage, withYes, type PageOptions } from '../arguments/shared-options.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type SessionOptions } from '../session/session.ts'

interface InviteOptions extends SessionOptions {
  grant: NewPersonGrant[]
  name?: string
}

interface ChangeOptions extends SessionOptions {
  grant?: NewPersonGrant[]
  name?: string
  email?: string
  disable?: boolean
  enable?: boolean
}

interface ResetOptions extends SessionOptions {
  minutes?: number
  removeSecondFactor?: boolean
}

interface WishedChange {
  grants: NewPersonGrant[] | undefined
  name: string | undefined
  email: string | undefined
  disabled: boolean | undefined
}

const GRANT = 'a role over everything, such as reader, or for one app, such as publisher@my-app; again for more'

export function addPeopleCommands(program: Command, context: CliContext) {
  const people = program.command('people').description('who can sign in, and what they may do')

  serverCommand(people, 'list', 'lists who can sign in', withPage)
    .option('--text <text>', 'only those with this in their name or e-mail address')
    .action((options: SessionOptions & PageOptions & { text?: string }) => listPeople(context, options))

  serverCommand(people, 'invite', 'makes a link by which somebody makes an account, and shows it, this once', withYes)
    .argument('<email>')
    .requiredOption('--grant <role>', GRANT, readGrants)
    .option('--name <name>', 'as others are to read it')
    .action((email: string, options: InviteOptions) => invite(context, email, options))

  serverCommand(people, 'invitations', 'lists the invitations that nobody has taken yet', withPage).action(
    (options: SessionOptions & PageOptions) => listInvitations(context, options),
  )

  serverCommand(people, 'withdraw', 'withdraws an invitation', withYes)
    .argument('<invitation-id>')
    .action((id: string, options: SessionOptions) => withdraw(context, id, options))

  serverCommand(people, 'change', 'changes what a person may do, or whether that person may sign in', withYes)
    .argument('<person>', 'e-mail address or id')
    .option('--grant <role>', `all that the person may do from now on: ${GRANT}`, readGrants)
    .option('--name <name>', 'as others are to read it')
    .option('--email <email>', 'the address to sign in with from now on')
    .option('--disable', 'ends every session of the person, and every token that the person made')
    .option('--enable', 'lets the person sign in again')
    .action((person: string, options: ChangeOptions) => changePerson(context, person, options))

  serverCommand(people, 'remove', 'removes a person, and every token that the person made', withYes)
    .argument('<person>', 'e-mail address or id')
    .option('--keep-tokens', 'tokens that the person made go on')
    .action((person: string, options: SessionOptions & { keepTokens?: boolean }) =>
      removePerson(context, person, options),
    )

  serverCommand(people, 'reset', 'makes a link by which a person sets a new password, and shows it, this once', withYes)
    .argument('<person>', 'e-mail address or id')
    .option('--minutes <minutes>', 'how long it works, 30 to 1440; 60 when absent', readMinutes)
    .option('--remove-second-factor', 'for whoever has lost the authenticator app and the passkeys: they go, too')
    .action((person: string, options: ResetOptions) => resetPassword(context, person, options))

  serverCommand(people, 'sign-out', 'signs a person out everywhere', withYes)
    .argument('<person>', 'e-mail address or id')
    .action((person: string, options: SessionOptions) => signOut(context, person, options))

  serverCommand(
    people,
    'sign-out-everyone',
    'ends all sessions, one-time links and short-lived tokens of everybody, as after a restored backup',
    withYes,
  ).action((options: SessionOptions) => signOutEveryone(context, options))
}

async function listPeople(context: CliContext, options: SessionOptions & PageOptions & { text?: string }) {
  const { api, output } = await openSession(context, options)
  const page = await api.listPeople({ ...pageQuery(options), ...given({ text: options.text }) })
  output.page(
    page,
    ['name', 'email', 'grants', 'signedInAt', 'secondFactor', 'disabledAt', 'id'],
    page.items.map(shown),
  )
}

async function invite(context: CliContext, email: string, { grant: grants, name, ...options }: InviteOptions) {
  const { api, confirm, output } = await openSession(context, options)
  await confirm(`Invite ${email} as ${grants.map(sayGrant).join(', ')}?`)
  const invitation = await api.invite({ email, grants, ...given({ name }) })
  output.result(invitation, () => output.line(invitation.link))
  output.notice(
    `Give this link to ${invitation.email} and to nobody else: it works once, until ${invitation.expiresAt}, and is not shown again.`,
  )
}

async function listInvitations(context: CliContext, options: SessionOptions & PageOptions) {
  const { api, output } = await openSession(context, options)
  const page = await api.listInvitations(pageQuery(options))
  const rows = page.items.map((item) => ({ ...item, grants: sayGrants(item.grants) }))
  output.page(page, ['email', 'name', 'grants', 'expiresAt', 'createdBy', 'id'], rows)
}

async function withdraw(context: CliContext, id: string, options: SessionOptions) {
  const { api, confirm, output } = await openSession(context, options)
  await confirm(`Withdraw the invitation ${id}?`)
  await api.withdrawInvitation(id)
  output.result({ withdrawn: id }, () => output.line(`Withdrawn: ${id}`))
}

async function changePerson(context: CliContext, named: string, options: ChangeOptions) {
  const { grant: grants, name, email, disable, enable } = options
  if (disable && enable) throw new UsageError('Give --disable or --enable, not both.')
  const disabled = disable ? true : enable ? false : undefined
  if ([grants, name, email, disabled].every((change) => change === undefined)) {
    throw new UsageError('Give --grant, --name, --email, --disable or --enable.')
  }
  const { api, confirm, output } = await openSession(context, options)
  const person = await findPerson(api, named)
  await confirm(sayChange(person, { grants, name, email, disabled }))
  const changed = await api.changePerson(person.id, given({ grants, name, email, disabled }))
  output.result(changed, () => output.fields(shown(changed)))
}

function sayChange(person: Person, { grants, name, email, disabled }: WishedChange): string {
  const parts = [
    grants && `give ${person.name} ${grants.map(sayGrant).join(', ')} instead of ${sayGrants(byPeople(person))}`,
    name !== undefined && `call ${person.name} ${name}`,
    email !== undefined && `let ${person.name} sign in as ${email} instead of ${person.email}`,
    disabled === true && `end every session of ${person.name} and every token that ${person.name} made`,
    disabled === false && `let ${person.name} sign in again`,
  ].filter((part) => typeof part === 'string')
  const text = parts.join(', and ')
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}?`
}

async function removePerson(context: CliContext, named: string, options: SessionOptions & { keepTokens?: boolean }) {
  const { keepTokens } = options
  const { api, confirm, output } = await openSession(context, options)
  const person = await findPerson(api, named)
  await confirm(`Remove ${person.name} (${person.email})${keepTokens ? '' : ' and every token that this person made'}?`)
  await api.removePerson(person.id, given({ keepTokens }))
  output.result({ removed: person.id }, () => output.line(`Removed: ${person.name} (${person.email})`))
}

async function resetPassword(context: CliContext, named: string, options: ResetOptions) {
  const { minutes, removeSecondFactor: removesSecondFactor } = options
  const { api, confirm, output } = await openSession(context, options)
  const person = await findPerson(api, named)
  const also = removesSecondFactor ? ', and that removes the authenticator app and the passkeys' : ''
  await confirm(`Make a link by which ${person.name} (${person.email}) sets a new password${also}?`)
  const made = await api.makeResetLink(person.id, given({ minutes, removesSecondFactor }))
  output.result(made, () => output.line(made.link))
  output.notice(
    `Give this link to ${person.email} and to nobody else: it works once, until ${made.expiresAt}, and is not shown again.`,
  )
}

async function signOut(context: CliContext, named: string, options: SessionOptions) {
  const { api, confirm, output } = await openSession(context, options)
  const person = await findPerson(api, named)
  await confirm(`Sign ${person.name} (${person.email}) out everywhere?`)
  await api.endPersonSessions(person.id)
  output.result({ signedOut: person.id }, () => output.line(`Signed out: ${person.name} (${person.email})`))
}

async function signOutEveryone(context: CliContext, options: SessionOptions) {
  const { api, confirm, output } = await openSession(context, options)
  await confirm('End all sessions, one-time links and short-lived tokens of everybody? CI jobs that run now fail.')
  const ended = await api.signOutEveryone()
  output.result(ended, () => output.fields(ended))
}

async function findPerson(api: ManagementClient, named: string): Promise<Person> {
  if (!named.includes('@')) return api.getPerson(named)
  const email = named.toLowerCase()
  const { items } = await api.listPeople({ text: email, limit: 200 })
  const found = items.find((person) => person.email === email)
  if (found) return found
  throw new CommandError('person-not-found', `Nobody with the e-mail address ${email} is here: see people list.`)
}

function readGrants(text: string, before: readonly NewPersonGrant[] = []): NewPersonGrant[] {
  const [role = '', app, ...more] = text.split('@')
  if (more.length > 0 || app === '') {
    throw new InvalidArgumentError('Expected a role such as reader, or a role for an app such as publisher@my-app.')
  }
  return [...before, { role: readRole(role), ...(app !== undefined && { app }) }]
}

function readMinutes(text: string): number {
  const minutes = Number(text)
  if (Number.isInteger(minutes) && minutes >= 30 && minutes <= 1440) return minutes
  throw new InvalidArgumentError('Expected a whole number from 30 to 1440.')
}

function sayGrant({ role, app }: NewPersonGrant): string {
  return app === undefined ? `${role} of everything` : `${role} of ${app}`
}

function sayGrants(grants: readonly (PersonGrant | HeldGrant)[]): string {
  if (grants.length === 0) return 'nothing'
  return grants
    .map((grant) => `${grant.appId === null ? grant.role : `${grant.role}@${grant.appId}`}${saySource(grant)}`)
    .join(', ')
}

/** What groups give is not people's to take. */
function byPeople({ grants }: Person): HeldGrant[] {
  return grants.filter(({ source }) => source === 'people')
}

function saySource(grant: PersonGrant | HeldGrant): string {
  return 'source' in grant && grant.source === 'single-sign-on' ? ' (single sign-on)' : ''
}

function shown({ grants, hasTotp, passkeys, ...person }: Person) {
  const factors = [hasTotp && 'authenticator app', passkeys > 0 && `${passkeys} passkeys`].filter(Boolean)
  return { ...person, grants: sayGrants(grants), secondFactor: factors.join(', ') }
}
