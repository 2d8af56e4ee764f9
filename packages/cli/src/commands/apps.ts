import type { App, AppChanges } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { Option, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import {
  isSlug,
  readBundleIds,
  readPlatform,
  readPlatforms,
  readRetention,
  readRetentionOrNever,
  readSequence,
} from '../arguments/readers.ts'
import { pageQuery, serverCommand, withApp, withPage, withYes, type PageOptions } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { UsageError } from '../errors/errors.ts'
import type { Output } from '../output/output.ts'
import { readGuard, withGuard, type GuardOptions } from '../release/rollout-guard.ts'
import { readTrust, withTrust, type TrustOptions } from './app-trust.ts'
import { openSession, type SessionOptions } from '../session/session.ts'

type SetOptions = SessionOptions & AppSettings & { nextSequence?: number; platform?: Platform }

interface AppSettings extends GuardOptions, TrustOptions {
  name?: string
  platforms?: Platform[]
  checkAccess?: NonNullable<AppChanges['checkAccess']>
  bucketing?: NonNullable<AppChanges['bucketing']>
  signing?: NonNullable<AppChanges['signing']>
  deviceIds?: NonNullable<AppChanges['deviceIds']>
  eventRetentionDays?: number
  deviceRetentionDays?: number
  archivedRetentionDays?: number | null
  bundleIds?: string[]
}

export function addAppCommands(program: Command, context: CliContext) {
  const apps = program.command('apps').description('what you ship')

  serverCommand(apps, 'create', 'makes an app', withSettings, withYes)
    .argument('[slug]', 'short name, such as my-app; made from --name when absent')
    .action((slug: string | undefined, options: SessionOptions & AppSettings) => createApp(context, slug, options))

  serverCommand(apps, 'set', 'changes an app', withSettings, withApp, withYes)
    .argument('[app]', 'id or slug')
    .option(
      '--next-sequence <sequence>',
      'go on from here, as after a backup was restored; with --platform',
      readSequence,
    )
    .option('--platform <platform>', 'of which --next-sequence is; all of them when absent', readPlatform)
    .action((app: string | undefined, options: SetOptions) => setApp(context, { ...options, ...given({ app }) }))

  serverCommand(apps, 'delete', 'deletes an app that was never used', withYes)
    .argument('<app>', 'id or slug')
    .action((app: string, options: SessionOptions) => deleteApp(context, { ...options, app }))

  serverCommand(apps, 'list', 'lists the apps', withPage).action((options) => listApps(context, options))

  serverCommand(apps, 'show', 'shows one app', withApp)
    .argument('[app]', 'id or slug')
    .action((app: string | undefined, options: SessionOptions) => showApp(context, { ...options, ...given({ app }) }))
}

function withSettings(command: Command): Command {
  return withTrust(withGuard(command))
    .option('--name <name>', 'name that people read')
    .option('--platforms <platforms>', 'comma-separated; a new app has android,ios when absent', readPlatforms)
    .addOption(new Option('--check-access <who>', 'whether checks need the app key').choices(['app-key', 'open']))
    .addOption(new Option('--bucketing <rule>', 'who goes first').choices(['per-rollout', 'per-app', 'original']))
    .addOption(new Option('--signing <policy>', 'whether releases must be signed').choices(['optional', 'required']))
    .addOption(
      new Option('--device-ids <how>', 'how the server keeps device ids; chosen before the first check').choices([
        'hashed',
        'as-given',
      ]),
    )
    .option('--bundle-ids <ids>', 'what its binaries are called, comma-separated; "" for none', readBundleIds)
    .option('--event-retention-days <days>', 'how long events of single devices are kept', readRetention)
    .option('--device-retention-days <days>', 'after how long unseen a device is forgotten', readRetention)
    .option(
      '--archived-retention-days <days>',
      'how long the files of archived releases are kept, or never to remove them',
      readRetentionOrNever,
    )
}

function settingsOf(options: AppSettings) {
  const { name, platforms, checkAccess, bucketing, signing } = options
  const { deviceIds, eventRetentionDays, deviceRetentionDays, archivedRetentionDays, bundleIds } = options
  return {
    ...readGuard(options),
    ...readTrust(options),
    ...given({
      name,
      platforms,
      checkAccess,
      bucketing,
      signing,
      deviceIds,
      eventRetentionDays,
      deviceRetentionDays,
      archivedRetentionDays,
      bundleIds,
    }),
  }
}

async function setApp(context: CliContext, options: SetOptions) {
  const { nextSequence, platform } = options
  const hasOthers = Object.keys(settingsOf(options)).length > 0
  if (nextSequence === undefined && platform === undefined) return changeApp(context, options)
  if (nextSequence === undefined || hasOthers) {
    throw new UsageError('--platform goes with --next-sequence, and --next-sequence with nothing else.')
  }
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  const platforms = platform ? [platform] : app.platforms
  const before = await Promise.all(platforms.map((each) => api.getNextSequence(app.id, each)))
  for (const each of before) {
    const told = each.told ? `; devices have confirmed up to ${each.told.sequence}` : ''
    output.notice(`${each.platform}: ${each.taken} was taken last${told}.`)
  }
  await confirm(`Give the next statement of ${app.slug} for ${platforms.join(' and ')} the sequence ${nextSequence}?`)
  const items = []
  for (const each of platforms) items.push(await api.setNextSequence(app.id, { platform: each, nextSequence }))
  output.page({ items, nextCursor: null }, ['platform', 'nextSequence', 'taken'])
}

async function changeApp(context: CliContext, options: SessionOptions & AppSettings) {
  const changes = settingsOf(options)
  const [first] = Object.keys(changes)
  if (first === undefined) throw new UsageError('Say what to change, such as apps set my-app --event-retention-days 30')
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  await confirm(`Change ${Object.keys(changes).join(', ')} of the app ${app.slug}?`)
  printApp(output, await api.changeApp(app.id, changes))
}

async function createApp(context: CliContext, slugArgument: string | undefined, options: SessionOptions & AppSettings) {
  const slug = readSlug(slugArgument, options.name)
  const session = await openSession(context, options)
  await session.confirm(`Create the app ${slug}?`)
  const app = await session.api.createApp({ slug, ...settingsOf(options) })
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

async function deleteApp(context: CliContext, options: SessionOptions) {
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  await confirm(`Delete the app ${app.slug}, with its channels, keys, cohorts, webhooks and tokens?`)
  printApp(output, await api.deleteApp(app.id))
}

async function showApp(context: CliContext, options: SessionOptions) {
  const { chooseApp, output } = await openSession(context, options)
  printApp(output, await chooseApp())
}

function printApp(output: Output, app: App) {
  output.result(app, () => output.fields(app))
}
