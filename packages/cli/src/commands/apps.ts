import type { App, NewApp } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { Option, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import { isSlug, readPlatforms } from '../arguments/readers.ts'
import { pageQuery, serverCommand, withApp, withPage, withYes, type PageOptions } from '../arguments/shared-options.ts'
import type { CliContext } from '../context.ts'
import { UsageError } from '../errors.ts'
import type { Output } from '../output/output.ts'
import { openSession, type SessionOptions } from '../session.ts'

interface NewAppOptions extends SessionOptions {
  name?: string
  platforms?: Platform[]
  checkAccess?: NonNullable<NewApp['checkAccess']>
  bucketing?: NonNullable<NewApp['bucketing']>
  signing?: NonNullable<NewApp['signing']>
}

export function addAppCommands(program: Command, context: CliContext) {
  const apps = program.command('apps').description('what you ship')

  serverCommand(apps, 'create', 'makes an app', withYes)
    .argument('[slug]', 'short name, such as my-app; made from --name when absent')
    .option('--name <name>', 'name that people read')
    .option('--platforms <platforms>', 'comma-separated; android,ios when absent', readPlatforms)
    .addOption(new Option('--check-access <who>', 'whether checks need the app key').choices(['app-key', 'open']))
    .addOption(new Option('--bucketing <rule>', 'who goes first').choices(['per-rollout', 'per-app', 'original']))
    .addOption(new Option('--signing <policy>', 'whether releases must be signed').choices(['optional', 'required']))
    .action((slug: string | undefined, options: NewAppOptions) => createApp(context, slug, options))

  serverCommand(apps, 'list', 'lists the apps', withPage).action((options) => listApps(context, options))

  serverCommand(apps, 'show', 'shows one app', withApp)
    .argument('[app]', 'id or slug')
    .action((app: string | undefined, options: SessionOptions) => showApp(context, { ...options, ...given({ app }) }))
}

async function createApp(context: CliContext, slugArgument: string | undefined, options: NewAppOptions) {
  const slug = readSlug(slugArgument, options.name)
  const { name, platforms, checkAccess, bucketing, signing } = options
  const session = await openSession(context, options)
  await session.confirm(`Create the app ${slug}?`)
  const app = await session.api.createApp({
    slug,
    ...given({ name, platforms, checkAccess, bucketing, signing }),
  })
  printApp(session.output, app)
}

function readSlug(slug: string | undefined, name: string | undefined): string {
  if (slug === undefined && name === undefined) throw new UsageError('Give the app a short name: apps create my-app')
  if (slug !== undefined && isSlug(slug)) return slug
  const made = (slug ?? name ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 63)
  if (slug === undefined && isSlug(made)) return made
  throw new UsageError(
    `Expected a slug of lower-case letters, digits and "-" such as ${made || 'my-app'}, found "${slug ?? name}".`,
  )
}

async function listApps(context: CliContext, options: SessionOptions & PageOptions) {
  const { api, output } = await openSession(context, options)
  const page = await api.listApps(pageQuery(options))
  output.page(page, ['slug', 'name', 'platforms', 'signing', 'id'])
}

async function showApp(context: CliContext, options: SessionOptions) {
  const { chooseApp, output } = await openSession(context, options)
  printApp(output, await chooseApp())
}

function printApp(output: Output, app: App) {
  output.result(app, () => output.fields(app))
}
