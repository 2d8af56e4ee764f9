import { Option, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readChannel } from '../arguments/readers.ts'
import { serverCommand, withApp, withYes } from '../arguments/shared-options.ts'
import { readStandardInput } from '../arguments/standard-input.ts'
import { UsageError } from '../errors/errors.ts'
import { createQuestions } from '../output/questions.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type SessionOptions } from '../session/session.ts'

interface OpenOptions extends SessionOptions {
  access: 'open' | 'protected'
  password?: boolean
  passwordStdin?: boolean
}

interface LinkOptions extends SessionOptions {
  hours: string
}

export function addInstallPageCommands(program: Command, context: CliContext) {
  const pages = program.command('install-page').description('pages from which people install an app')

  serverCommand(pages, 'open', "opens a channel's page, or changes whom it lets in", withApp, withYes)
    .argument('<channel>', 'such as production', readChannel)
    .addOption(
      new Option(
        '--access <access>',
        'open: whoever knows the address; protected: who has a link or knows the password',
      )
        .choices(['open', 'protected'])
        .makeOptionMandatory(),
    )
    .option('--password', 'ask for a password for it')
    .option('--password-stdin', 'read the password from standard input')
    .action((channel: string, options: OpenOptions) => openPage(context, channel, options))

  serverCommand(pages, 'close', "closes a channel's page", withApp, withYes)
    .argument('<channel>', 'such as staging', readChannel)
    .action((channel: string, options: SessionOptions) => closePage(context, channel, options))

  serverCommand(pages, 'link', 'makes a link that lets in whoever has it, until a time', withApp)
    .argument('<channel>', 'such as staging', readChannel)
    .requiredOption('--hours <hours>', 'how long it is good for')
    .action((channel: string, options: LinkOptions) => makeLink(context, channel, options))

  serverCommand(pages, 'list', 'lists the pages of an app', withApp).action((options: SessionOptions) =>
    listPages(context, options),
  )
}

async function openPage(context: CliContext, channel: string, options: OpenOptions) {
  const { access } = options
  const password = await readPassword(context, options)
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  const whom = access === 'open' ? 'everybody who knows its address' : 'who knows its password or has a link'
  await confirm(`Let ${whom} install ${app.slug} from the page of ${channel}?`)
  const page = await api.openInstallPage(app.id, channel, { access, ...given({ password }) })
  output.result(page, () => output.fields(page))
}

async function readPassword(context: CliContext, { access, password, passwordStdin }: OpenOptions) {
  if (!password && !passwordStdin) return undefined
  if (access === 'open') throw new UsageError('--access: expected protected, as a page that is open has no password.')
  if (password && passwordStdin) throw new UsageError('Give --password or --password-stdin only.')
  if (passwordStdin) return (await readStandardInput(context.stdin, 'a password')).replace(/\r?\n$/, '')
  const questions = createQuestions(context)
  questions.requireTerminal('The password is missing', '--password-stdin')
  return questions.secret('Password')
}

async function closePage(context: CliContext, channel: string, options: SessionOptions) {
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  await confirm(`Close the install page of ${channel}? Its links end, too.`)
  const page = await api.closeInstallPage(app.id, channel)
  output.result(page, () => output.fields(page))
}

async function makeLink(context: CliContext, channel: string, options: LinkOptions) {
  const expiresInHours = Number(options.hours)
  if (!Number.isInteger(expiresInHours) || expiresInHours < 1) {
    throw new UsageError(`--hours: expected a whole number from 1 on, found "${options.hours}".`)
  }
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const link = await api.makeInstallLink(app.id, channel, { expiresInHours })
  output.result(link, () => output.fields(link))
}

async function listPages(context: CliContext, options: SessionOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  output.page(await api.listInstallPages(app.id), ['channel', 'access', 'hasPassword', 'url', 'changedAt'])
}
