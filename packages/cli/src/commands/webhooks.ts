import { ANNOUNCEMENT_TYPES, type AnnouncementType, type DeliveryFilter, type WebhookWithSecret } from '@hotpatch/api'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import { pageQuery, serverCommand, withApp, withPage, withYes, type PageOptions } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { CommandError } from '../errors/errors.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'

interface AddOptions extends SessionOptions {
  types?: AnnouncementType[]
  allApps?: boolean
}

type DeliveryOptions = SessionOptions & PageOptions & DeliveryFilter

export function addWebhookCommands(program: Command, context: CliContext) {
  const webhooks = program.command('webhooks').description('addresses that are told what happens')

  serverCommand(webhooks, 'list', 'lists webhooks, without their secrets', withApp, withPage).action(
    (options: SessionOptions & PageOptions) => listWebhooks(context, options),
  )

  serverCommand(webhooks, 'add', 'makes a webhook and shows its secret, this once', withApp, withYes)
    .argument('<address>', 'such as https://example.com/hotpatch')
    .option('--types <types>', 'comma-separated, such as rollout.paused,rollback; everything when absent', readTypes)
    .option('--all-apps', 'for every app of the server')
    .action((address: string, options: AddOptions) => addWebhook(context, address, options))

  serverCommand(webhooks, 'remove', 'removes a webhook and its deliveries', withYes)
    .argument('<webhook-id>')
    .action((id: string, options: SessionOptions) => removeWebhook(context, id, options))

  for (const [name, isEnabled] of Object.entries({ enable: true, disable: false })) {
    const meaning = isEnabled ? 'lets a webhook go on that was disabled' : 'sends nothing to a webhook any more'
    serverCommand(webhooks, name, meaning, withYes)
      .argument('<webhook-id>')
      .action((id: string, options: SessionOptions) => setEnabled(context, id, isEnabled, options))
  }

  serverCommand(webhooks, 'test', 'sends a test and shows what came of it')
    .argument('<webhook-id>')
    .action((id: string, options: SessionOptions) => testWebhook(context, id, options))

  serverCommand(webhooks, 'rotate-secret', 'makes a new secret; the old one signs, too, for 24 hours', withYes)
    .argument('<webhook-id>')
    .action((id: string, options: SessionOptions) => rotateSecret(context, id, options))

  serverCommand(webhooks, 'deliveries', 'lists what was sent and what came of it', withPage)
    .argument('<webhook-id>')
    .addOption(new Option('--state <state>', 'only in this state').choices(['pending', 'delivered', 'failed']))
    .action((id: string, options: DeliveryOptions) => listDeliveries(context, id, options))

  serverCommand(webhooks, 'redeliver', 'sends a delivery again, now', withYes)
    .argument('<webhook-id>')
    .argument('<delivery-id>')
    .action((id: string, deliveryId: string, options: SessionOptions) => redeliver(context, id, deliveryId, options))
}

function readTypes(text: string): AnnouncementType[] {
  const types = text.split(',').map((part) => {
    const type = ANNOUNCEMENT_TYPES.find((name) => name === part.trim())
    if (type) return type
    throw new InvalidArgumentError(`Expected some of ${ANNOUNCEMENT_TYPES.join(', ')}.`)
  })
  return [...new Set(types)]
}

async function listWebhooks(context: CliContext, options: SessionOptions & PageOptions) {
  const { api, output } = await openSession(context, options)
  const page = await api.listWebhooks({ ...pageQuery(options), ...given({ app: options.app }) })
  const shown = page.items.map(({ types, appId, ...webhook }) => ({
    ...webhook,
    types: types.length > 0 ? types : 'everything',
    app: appId ?? 'every app',
  }))
  output.page(page, ['url', 'types', 'isEnabled', 'disabledReason', 'failingSince', 'app', 'id'], shown)
}

async function addWebhook(context: CliContext, url: string, options: AddOptions) {
  const session = await openSession(context, options)
  const app = options.allApps ? undefined : await session.chooseApp()
  await session.confirm(`Tell ${url} what happens to ${app ? `the app "${app.slug}"` : 'every app'}?`)
  const created = await session.api.createWebhook({ url, ...given({ app: app?.id, types: options.types }) })
  showSecret(session, created)
}

async function removeWebhook(context: CliContext, id: string, options: SessionOptions) {
  const { api, confirm, output } = await openSession(context, options)
  await confirm(`Remove the webhook ${id}, with what it was still to be told?`)
  const removed = await api.removeWebhook(id)
  output.result(removed, () => output.line(`Removed: ${removed.url}`))
}

async function setEnabled(context: CliContext, id: string, isEnabled: boolean, options: SessionOptions) {
  const { api, confirm, output } = await openSession(context, options)
  await confirm(`${isEnabled ? 'Enable' : 'Disable'} the webhook ${id}?`)
  const webhook = await api.changeWebhook(id, { isEnabled })
  output.result(webhook, () => output.fields(webhook))
}

async function testWebhook(context: CliContext, id: string, options: SessionOptions) {
  const { api, output } = await openSession(context, options)
  const { payload: _, log: __, ...delivery } = await api.testWebhook(id)
  output.result(delivery, () => output.fields(delivery))
  if (delivery.state !== 'delivered') throw new CommandError('webhook-failed', delivery.lastError ?? 'Not delivered.')
}

async function rotateSecret(context: CliContext, id: string, options: SessionOptions) {
  const session = await openSession(context, options)
  await session.confirm(`Make a new secret for the webhook ${id}?`)
  showSecret(session, await session.api.rotateWebhookSecret(id))
  session.output.notice('The old one signs, too, for 24 hours.')
}

function showSecret({ output }: Session, webhook: WebhookWithSecret) {
  output.result(webhook, () => output.fields(webhook))
  output.notice('Keep the secret now: it is not shown again.')
}

async function listDeliveries(context: CliContext, id: string, options: DeliveryOptions) {
  const { api, output } = await openSession(context, options)
  const page = await api.listDeliveries(id, { ...pageQuery(options), ...given({ state: options.state }) })
  output.page(page, ['createdAt', 'type', 'state', 'attempts', 'lastStatus', 'lastError', 'nextAttemptAt', 'id'])
}

async function redeliver(context: CliContext, id: string, deliveryId: string, options: SessionOptions) {
  const { api, confirm, output } = await openSession(context, options)
  await confirm(`Send the delivery ${deliveryId} again?`)
  const delivery = await api.redeliver(id, deliveryId)
  output.result(delivery, () => output.fields(delivery))
}
