import { DEVICE_ATTRIBUTE_NAMES } from '@hotpatch/protocol'
import type { Device, DeviceFilter, ManagementClient, Page, TimelineEntry, TimelinePage } from '@hotpatch/api'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readChannel, readPlatform, readTimestamp } from '../arguments/readers.ts'
import { pageQuery, serverCommand, withApp, withPage, withYes, type PageOptions } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { trustFields } from '../output/device-trust.ts'
import { describeCode } from '../output/device-codes.ts'
import { MAY_BE_MISSING, noteNotKept } from '../output/not-kept.ts'
import type { Output } from '../output/output.ts'
import { formatBytes } from '../output/text.ts'
import { openSession, type SessionOptions } from '../session/session.ts'

interface DeviceListOptions
  extends SessionOptions, PageOptions, Omit<DeviceFilter, 'releaseId' | 'hasFailed' | 'isGone'> {
  release?: string
  failed?: string
  gone?: boolean
}

const DEFAULT_LIMIT = 50
/** Pages that the server found little or nothing on; it looks at a bounded number of devices for each. */
const MAX_PAGES = 100

export function addDeviceCommands(program: Command, context: CliContext) {
  const devices = program.command('devices').description('installations, as they last showed themselves')

  serverCommand(devices, 'list', 'lists devices, last seen first', withApp, withPage)
    .option('--search <text>', 'the beginning of the id as the server shows it, or the whole id as the device tells it')
    .option('--platform <platform>', 'only of this platform', readPlatform)
    .option('--channel <channel>', 'only on this channel', readChannel)
    .option('--release <release-id>', 'only those that run this release')
    .option('--version <version>', 'only those that run this version, or "embedded"')
    .option('--native-version <version>', 'only with this version of the app binary')
    .option('--os-version <version>', 'only with this version of the operating system')
    .option('--model <model>', 'only of this model')
    .option('--locale <locale>', 'only with this locale')
    .option('--native-build <build>', 'only with this build of the app binary')
    .option('--architecture <name>', 'only of this processor architecture')
    .option('--sdk-version <version>', 'only those whose SDK has this version')
    .option('--installer-formats <formats>', 'only those whose installer takes these, such as apk')
    .option('--decryption-key-id <id>', 'only those whose plugin decrypts releases with this key')
    .option('--decision <decision>', 'only those whose last check was answered so, such as update')
    .option('--reason <reason>', 'only those whose last check was answered for this reason, such as outside-audience')
    .option('--seen-since <time>', 'only those that showed themselves since', readTimestamp)
    .option('--seen-before <time>', 'only those that did not show themselves since', readTimestamp)
    .option('--failed <release-id>', 'only those on which this release failed')
    .option('--gone', 'only those that count as uninstalled')
    .option('--no-gone', 'without those that count as uninstalled')
    .action((options: DeviceListOptions) => listDevices(context, options))

  serverCommand(devices, 'show', 'shows a device and what happened to it', withApp, withPage)
    .argument('<device-id>', 'as the device tells its id, or as the server shows it')
    .action((id: string, options: SessionOptions & PageOptions) => showDevice(context, id, options))

  serverCommand(devices, 'forget', 'deletes a device and all that it reported', withApp, withYes)
    .argument('<device-id>', 'as the device tells its id, or as the server shows it')
    .action((id: string, options: SessionOptions) => forgetDevice(context, id, options))
}

async function listDevices(context: CliContext, options: DeviceListOptions) {
  const { search, platform, channel, version, nativeVersion } = options
  const attributes = Object.fromEntries(DEVICE_ATTRIBUTE_NAMES.map((name) => [name, options[name]]))
  const { decision, reason, seenSince, seenBefore } = options
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const told = given({ search, platform, channel, version, nativeVersion, ...attributes })
  const about = given({ releaseId: options.release, hasFailed: options.failed, isGone: options.gone })
  const filter = { ...told, ...about, ...given({ decision, reason, seenSince, seenBefore }) }
  const page = await collectDevices(api, app.id, filter, options)
  output.page(page, ['id', 'platform', 'channel', 'nativeVersion', 'currentVersion', 'lastReason', 'lastSeenAt'])
}

/** As many as asked for: a page of the server's may be short or empty, and have others behind it. */
async function collectDevices(
  api: ManagementClient,
  app: string,
  filter: DeviceFilter,
  { limit = DEFAULT_LIMIT, cursor }: PageOptions,
): Promise<Page<Device>> {
  const items: Device[] = []
  let next = cursor
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await api.listDevices(app, {
      ...filter,
      ...pageQuery({ limit: limit - items.length, ...given({ cursor: next }) }),
    })
    items.push(...page.items)
    if (page.nextCursor === null || items.length === limit) return { items, nextCursor: page.nextCursor }
    next = page.nextCursor
  }
  return { items, nextCursor: next ?? null }
}

async function showDevice(context: CliContext, id: string, options: SessionOptions & PageOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const device = await api.getDevice(app.id, id)
  const timeline = await api.listTimeline(app.id, device.id, pageQuery(options))
  output.result({ ...device, timeline }, () => {
    const { events: _, eventsNotKept: __, trust, ...fields } = device
    const told = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
    output.fields({ ...told, ...trustFields(trust) })
    output.line('')
    showTimeline(output, timeline)
  })
}

function showTimeline(output: Output, { items, nextCursor, eventsNotKept }: TimelinePage) {
  output.table(
    ['when', 'what', 'version', 'rollout', 'more'],
    items.map((entry) => [entry.occurredAt, entry.kind, entry.version, rolloutOf(entry), moreOf(entry)]),
  )
  noteNotKept(output, eventsNotKept, MAY_BE_MISSING)
  if (nextCursor !== null) output.notice(`There is more: --cursor ${nextCursor}`)
}

function rolloutOf({ rollout }: TimelineEntry): string | null {
  return rollout && `${rollout.position} on ${rollout.channel}`
}

const ARRIVALS: Readonly<Record<NonNullable<TimelineEntry['arrival']>, string | null>> = {
  whole: null,
  patch: 'as a patch',
  packed: 'packed',
}

function moreOf({
  kind,
  decision,
  reason,
  component,
  code,
  detail,
  receivedBytes,
  arrival,
}: TimelineEntry): string | null {
  if (kind === 'checked') return `${decision} (${reason})`
  const took = receivedBytes === null ? null : formatBytes(receivedBytes)
  const ofComponent = component === undefined ? null : `component ${component}`
  const parts = [ofComponent, describeCode(code), detail, took, arrival && ARRIVALS[arrival]]
  return parts.filter((part) => part !== null).join(', ') || null
}

async function forgetDevice(context: CliContext, id: string, options: SessionOptions) {
  const { api, chooseApp, output, confirm, requireConsent } = await openSession(context, options)
  requireConsent()
  const app = await chooseApp()
  await confirm(`Delete the device ${id} of ${app.slug} and all that it reported? If it checks again, it is a new one.`)
  await api.forgetDevice(app.id, id)
  output.result({ forgotten: id }, () => output.line(`The device ${id} is forgotten.`))
}
