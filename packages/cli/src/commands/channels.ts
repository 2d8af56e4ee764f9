import type { ChannelProtection, DeviceChoice, Role } from '@hotpatch/api'
import { PLATFORMS, type Platform } from '@hotpatch/protocol'
import { Option, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readChannel, readRole } from '../arguments/readers.ts'
import { serverCommand, withApp, withYes } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { UsageError } from '../errors/errors.ts'
import { openSession, type SessionOptions } from '../session/session.ts'

interface ChoiceOptions extends SessionOptions {
  deviceChoice?: DeviceChoice
}

interface ProtectOptions extends SessionOptions {
  role?: Role[]
  person?: string[]
  apiToken?: string[]
  needsApproval?: boolean
}

interface ChannelKeyOptions extends SessionOptions {
  key?: string
  name?: string
  platform?: Platform
}

export function addChannelCommands(program: Command, context: CliContext) {
  const channels = program.command('channels').description('named tracks of an app')

  serverCommand(channels, 'create', 'makes a channel', withApp, withYes)
    .argument('<name>', 'such as beta', readChannel)
    .addOption(deviceChoice())
    .action((name: string, options: ChoiceOptions) => createChannel(context, name, options))

  serverCommand(channels, 'set', 'changes a channel', withApp, withYes)
    .argument('<name>', 'such as beta', readChannel)
    .addOption(deviceChoice().makeOptionMandatory())
    .action((name: string, options: ChoiceOptions) => setChannel(context, name, options))

  serverCommand(channels, 'delete', 'deletes a channel on which nothing was ever placed', withApp, withYes)
    .argument('<name>', 'such as bta', readChannel)
    .action((name: string, options: SessionOptions) => deleteChannel(context, name, options))

  serverCommand(
    channels,
    'protect',
    'says who may publish to a channel; pausing and halting stay open',
    withApp,
    withYes,
  )
    .argument('<name>', 'such as production', readChannel)
    .option('--role <role>', 'whoever has it for the app; more than once', collectRole)
    .option('--person <id>', 'and what he stands behind; more than once', collect)
    .option('--api-token <id>', 'an API token, or a trust rule for its jobs; more than once', collect)
    .option('--needs-approval', 'what is started, widened or resumed waits for a second person')
    .action((name: string, options: ProtectOptions) => protectChannel(context, name, options))

  serverCommand(channels, 'unprotect', 'opens a channel to all who may change rollouts', withApp, withYes)
    .argument('<name>', 'such as production', readChannel)
    .action((name: string, options: SessionOptions) => unprotectChannel(context, name, options))

  serverCommand(channels, 'protections', 'lists the channels that are protected', withApp).action((options) =>
    listProtections(context, options),
  )

  const keys = channels.command('keys').description('keys that name the app and one of its channels')

  serverCommand(keys, 'create', 'makes a key for a channel, or takes one that binaries have already', withApp, withYes)
    .argument('<channel>', 'such as staging', readChannel)
    .option('--key <key>', 'a key that binaries have already, such as a CodePush deployment key')
    .option('--name <name>', 'what it is for')
    .addOption(new Option('--platform <platform>', 'of clients that tell none, as CodePush').choices(PLATFORMS))
    .action((channel: string, options: ChannelKeyOptions) => createKey(context, channel, options))

  serverCommand(keys, 'list', 'lists the keys of channels', withApp).action((options) => listKeys(context, options))

  serverCommand(keys, 'revoke', 'revokes a key: devices that have no other are refused', withApp, withYes)
    .argument('<key-id>')
    .action((id: string, options: SessionOptions) => revokeKey(context, id, options))

  serverCommand(channels, 'list', 'lists the channels of an app', withApp).action((options) =>
    listChannels(context, options),
  )
}

function deviceChoice(): Option {
  return new Option('--device-choice <choice>', 'whether devices are told of it and may choose it').choices([
    'open',
    'closed',
  ])
}

async function createChannel(context: CliContext, name: string, options: ChoiceOptions) {
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  await confirm(`Create the channel ${name} of ${app.slug}?`)
  const channel = await api.createChannel(app.id, { name, ...given({ deviceChoice: options.deviceChoice }) })
  output.result(channel, () => output.fields(channel))
}

async function setChannel(context: CliContext, name: string, { deviceChoice = 'closed', ...options }: ChoiceOptions) {
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  const what = deviceChoice === 'open' ? 'Let devices choose' : 'Let no device choose'
  await confirm(`${what} the channel ${name} of ${app.slug} by themselves?`)
  const channel = await api.changeChannel(app.id, name, { deviceChoice })
  output.result(channel, () => output.fields(channel))
}

async function deleteChannel(context: CliContext, name: string, options: SessionOptions) {
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  await confirm(`Delete the channel ${name} of ${app.slug}? Devices that ask for it will hear that there is none.`)
  const channel = await api.deleteChannel(app.id, name)
  output.result(channel, () => output.fields(channel))
}

async function protectChannel(context: CliContext, name: string, options: ProtectOptions) {
  const { role: roles, person: people, apiToken: tokens, needsApproval } = options
  if (!roles && !people && !tokens) throw new UsageError('Say who may: --role, --person or --api-token.')
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  await confirm(`Let only these publish to the channel ${name} of ${app.slug}?`)
  const made = await api.protectChannel(app.id, name, given({ roles, people, tokens, needsApproval }))
  output.result(made, () => output.fields(describeProtection(made)))
}

async function unprotectChannel(context: CliContext, name: string, options: SessionOptions) {
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  await confirm(`Let everybody who may change rollouts publish to the channel ${name} of ${app.slug}?`)
  const removed = await api.unprotectChannel(app.id, name)
  output.result(removed, () => output.fields(describeProtection(removed)))
}

async function listProtections(context: CliContext, options: SessionOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const { items } = await api.listProtections(app.id)
  const columns = ['channel', 'roles', 'people', 'tokens', 'needsApproval', 'updatedBy'] as const
  output.page({ items, nextCursor: null }, columns, items.map(describeProtection))
}

function describeProtection(protection: ChannelProtection) {
  const { roles, people, tokens } = protection
  return { ...protection, roles: roles.join(', '), people: people.join(', '), tokens: tokens.join(', ') }
}

const collect = (value: string, before: readonly string[] = []) => [...before, value]
const collectRole = (value: string, before: readonly Role[] = []) => [...before, readRole(value)]

async function listChannels(context: CliContext, options: SessionOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  output.page(await api.listChannels(app.id), ['name', 'deviceChoice', 'createdAt', 'id'])
}

async function createKey(context: CliContext, channel: string, options: ChannelKeyOptions) {
  const { key, name, platform } = options
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  await confirm(`Make a key for the channel ${channel} of ${app.slug}?`)
  const created = await api.createChannelKey(app.id, { channel, ...given({ key, name, platform }) })
  output.result(created, () => output.fields(created))
}

async function listKeys(context: CliContext, options: SessionOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  output.page(await api.listChannelKeys(app.id), ['channel', 'platform', 'name', 'key', 'createdAt', 'revokedAt', 'id'])
}

async function revokeKey(context: CliContext, id: string, options: SessionOptions) {
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  await confirm(`Revoke the channel key ${id} of ${app.slug}? Devices that have no other are refused.`)
  const revoked = await api.revokeChannelKey(app.id, id)
  output.result(revoked, () => output.fields(revoked))
}
