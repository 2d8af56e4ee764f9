import type { DeviceFilter } from '@hotpatch/api'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readChannel, readPlatform } from '../arguments/readers.ts'
import { pageQuery, serverCommand, withApp, withPage, type PageOptions } from '../arguments/shared-options.ts'
import type { CliContext } from '../context.ts'
import { openSession, type SessionOptions } from '../session.ts'

interface DeviceListOptions extends SessionOptions, PageOptions {
  platform?: NonNullable<DeviceFilter['platform']>
  channel?: string
  release?: string
}

export function addDeviceCommands(program: Command, context: CliContext) {
  const devices = program.command('devices').description('installations, as they last showed themselves')

  serverCommand(devices, 'list', 'lists devices', withApp, withPage)
    .option('--platform <platform>', 'only of this platform', readPlatform)
    .option('--channel <channel>', 'only on this channel', readChannel)
    .option('--release <release-id>', 'only those that run this release')
    .action((options: DeviceListOptions) => listDevices(context, options))

  serverCommand(devices, 'show', 'shows a device and what it reported', withApp)
    .argument('<device-id>')
    .action((id: string, options: SessionOptions) => showDevice(context, id, options))
}

async function listDevices(context: CliContext, options: DeviceListOptions) {
  const { platform, channel, release } = options
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const page = await api.listDevices(app.id, {
    ...pageQuery(options),
    ...given({ platform, channel, releaseId: release }),
  })
  output.page(page, ['id', 'platform', 'channel', 'nativeVersion', 'currentVersion', 'lastReason', 'lastSeenAt'])
}

async function showDevice(context: CliContext, id: string, options: SessionOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const device = await api.getDevice(app.id, id)
  output.result(device, () => {
    const { events, ...fields } = device
    output.fields(fields)
    if (events.length === 0) return
    output.line('')
    output.table(
      ['occurredAt', 'kind', 'version', 'code', 'detail'],
      events.map((event) => [event.occurredAt, event.kind, event.version, event.code, event.detail]),
    )
  })
}
