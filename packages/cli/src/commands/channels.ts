import type { Command } from 'commander'
import { readChannel } from '../arguments/readers.ts'
import { serverCommand, withApp, withYes } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type SessionOptions } from '../session/session.ts'

export function addChannelCommands(program: Command, context: CliContext) {
  const channels = program.command('channels').description('named tracks of an app')

  serverCommand(channels, 'create', 'makes a channel', withApp, withYes)
    .argument('<name>', 'such as beta', readChannel)
    .action((name: string, options: SessionOptions) => createChannel(context, name, options))

  serverCommand(channels, 'delete', 'deletes a channel on which nothing was ever placed', withApp, withYes)
    .argument('<name>', 'such as bta', readChannel)
    .action((name: string, options: SessionOptions) => deleteChannel(context, name, options))

  serverCommand(channels, 'list', 'lists the channels of an app', withApp).action((options) =>
    listChannels(context, options),
  )
}

async function createChannel(context: CliContext, name: string, options: SessionOptions) {
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  await confirm(`Create the channel ${name} of ${app.slug}?`)
  const channel = await api.createChannel(app.id, { name })
  output.result(channel, () => output.fields(channel))
}

async function deleteChannel(context: CliContext, name: string, options: SessionOptions) {
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  await confirm(`Delete the channel ${name} of ${app.slug}? Devices that ask for it will hear that there is none.`)
  const channel = await api.deleteChannel(app.id, name)
  output.result(channel, () => output.fields(channel))
}

async function listChannels(context: CliContext, options: SessionOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  output.page(await api.listChannels(app.id), ['name', 'createdAt', 'id'])
}
