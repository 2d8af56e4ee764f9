import type { Announcement, NewWebhook, Page, Webhook, WebhookChanges, WebhookWithSecret } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { requireApp, type Actor } from '../../people/authors/actor.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { actorOf, type Author, nameOf } from '../../people/authors/author.ts'
import type { Clock } from '../../ground/clock.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { pageFromRows, type PageRequest } from '../../ground/http/paging.ts'
import type { SecretBox } from '../../ground/secrets/secret-box.ts'
import { newDelivery } from './delivery.ts'
import { insertDeliveries } from './delivery-store.ts'
import type { AddressRules } from '../../ground/outgoing/address-rules.ts'
import { newWebhookSecret, openSecrets, rotateSecrets, sealSecrets, type WebhookSecret } from './sending/signature.ts'
import {
  countWebhooks,
  deleteWebhook,
  findWebhook,
  insertWebhook,
  listWebhooks,
  listWebhooksFor,
  lockWebhook,
  updateWebhook,
  type WebhookRow,
} from './webhook-store.ts'
import { renderWebhook, requireMayChange, wants } from './webhook.ts'

/** Of one app, and of all apps. */
const MAX_WEBHOOKS = 100

export type WebhookService = ReturnType<typeof createWebhookService>

export function createWebhookService({
  db,
  audit,
  box,
  addresses,
  clock,
  newId,
}: {
  db: Database
  audit: AuditService
  box: SecretBox
  addresses: AddressRules
  clock: Clock
  newId: () => string
}) {
  /** @throws problem webhook-not-found, or forbidden when the token is for another app */
  async function get(id: string, actor: Actor | null, connection: Connection = db): Promise<WebhookRow> {
    const row = await findWebhook(connection, id)
    if (!row) throw problem('webhook-not-found', `No webhook has the id ${id}.`)
    requireApp(actor, row.app_id ?? '')
    return row
  }

  async function create(input: NewWebhook, appId: string | null, author: Author): Promise<WebhookWithSecret> {
    requireMayChange(actorOf(author), appId)
    await addresses.check(input.url)
    const now = clock.now()
    const created = newWebhookSecret()
    const id = newId()
    const row: WebhookRow = {
      id,
      app_id: appId,
      url: input.url,
      types: JSON.stringify(input.types ?? []),
      secrets: await sealSecrets(box, id, [created]),
      is_enabled: 1,
      disabled_reason: null,
      failing_since: null,
      last_failed_at: null,
      created_at: now,
      created_by: nameOf(author),
      updated_at: now,
    }
    await db.transaction().execute(async (tx) => {
      if ((await countWebhooks(tx, appId)) >= MAX_WEBHOOKS) {
        const whose = appId === null ? 'all apps' : 'this app'
        throw problem('too-many-webhooks', `There are ${MAX_WEBHOOKS} webhooks for ${whose} already.`)
      }
      await insertWebhook(tx, row)
      await record(tx, author, 'webhook.created', undefined, row)
    })
    return withSecret(row, created)
  }

  async function change(webhook: WebhookRow, changes: WebhookChanges, author: Author): Promise<Webhook> {
    requireMayChange(actorOf(author), webhook.app_id)
    const { url, types, isEnabled } = changes
    if (url !== undefined) await addresses.check(url)
    const row = await update(webhook.id, author, 'webhook.changed', () => ({
      ...(url !== undefined && { url }),
      ...(types && { types: JSON.stringify(types) }),
      ...(isEnabled !== undefined && { is_enabled: isEnabled ? 1 : 0, disabled_reason: null }),
      // Enabled anew, or somewhere else, it has another five days.
      ...((url !== undefined || isEnabled === true) && { failing_since: null, last_failed_at: null }),
    }))
    return renderWebhook(row)
  }

  /** The old secret goes on for a day, so that receivers can take over the new one at their time. */
  async function rotateSecret(webhook: WebhookRow, author: Author): Promise<WebhookWithSecret> {
    requireMayChange(actorOf(author), webhook.app_id)
    const row = await update(webhook.id, author, 'webhook.secret-rotated', async (before) => {
      const secrets = rotateSecrets(await openSecrets(box, before), clock.now())
      return { secrets: await sealSecrets(box, before.id, secrets) }
    })
    const [newest] = await openSecrets(box, row)
    if (!newest) throw new Error('A webhook has a secret.')
    return withSecret(row, newest)
  }

  async function update(
    id: string,
    author: Author,
    action: string,
    changesOf: (before: WebhookRow) => Partial<WebhookRow> | Promise<Partial<WebhookRow>>,
  ): Promise<WebhookRow> {
    return db.transaction().execute(async (tx) => {
      await lockWebhook(tx, id)
      const before = await get(id, actorOf(author), tx)
      await updateWebhook(tx, id, { ...(await changesOf(before)), updated_at: clock.now() })
      const row = await get(id, actorOf(author), tx)
      await record(tx, author, action, before, row)
      return row
    })
  }

  /** What was not delivered is not. */
  async function remove(webhook: WebhookRow, author: Author): Promise<Webhook> {
    requireMayChange(actorOf(author), webhook.app_id)
    return db.transaction().execute(async (tx) => {
      await lockWebhook(tx, webhook.id)
      const before = await get(webhook.id, actorOf(author), tx)
      await deleteWebhook(tx, webhook.id)
      await record(tx, author, 'webhook.deleted', before, undefined)
      return renderWebhook(before)
    })
  }

  /** @param ofApps only those of these, unless it is null */
  async function list(ofApps: readonly string[] | null, page: PageRequest): Promise<Page<Webhook>> {
    return pageFromRows(await listWebhooks(db, ofApps, page), page, renderWebhook)
  }

  /** A delivery for every webhook that wants to know, in the transaction that places the announcements. */
  async function addDeliveries(tx: Connection, announcements: readonly Announcement[]): Promise<void> {
    const appIds = [...new Set(announcements.flatMap(({ appId }) => appId ?? []))]
    if (appIds.length === 0) return
    const webhooks = await listWebhooksFor(tx, appIds)
    for (const announcement of announcements) {
      const rows = webhooks
        .filter((webhook) => wants(webhook, announcement))
        .map((webhook) => newDelivery(webhook, announcement, { id: newId(), now: clock.now() }))
      if (rows.length > 0) await insertDeliveries(tx, rows)
    }
  }

  /** Without its secrets, and never with them. */
  async function record(
    tx: Connection,
    author: Author,
    action: string,
    before: WebhookRow | undefined,
    after: WebhookRow | undefined,
  ): Promise<void> {
    const row = after ?? before
    if (!row) return
    await audit.record(tx, author, {
      action,
      subject: ['webhook', row.id],
      appId: row.app_id,
      ...(before && { before: renderWebhook(before) }),
      ...(after && { after: renderWebhook(after) }),
    })
  }

  return { get, create, change, rotateSecret, remove, list, addDeliveries, record }
}

function withSecret(row: WebhookRow, { secret }: WebhookSecret): WebhookWithSecret {
  return { ...renderWebhook(row), secret }
}
