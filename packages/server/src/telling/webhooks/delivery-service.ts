import { setImmediate } from 'node:timers/promises'
import type { DeliveryFilter, Page, WebhookDelivery, WebhookDeliveryDetail } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { actorOf, type Author, nameOf } from '../../people/authors/author.ts'
import { type Clock, DAY_MS, timestamp } from '../../ground/clock.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { pageFromRows, type PageRequest } from '../../ground/http/paging.ts'
import {
  deleteDeliveriesBefore,
  findDelivery,
  insertDeliveries,
  listDeliveries,
  requeueDelivery,
  type DeliveryRow,
} from './delivery-store.ts'
import { newDelivery, readLog, renderDelivery, TEST_TYPE } from './delivery.ts'
import type { WebhookDispatcher } from './webhook-dispatcher.ts'
import { requireMayChange } from './webhook.ts'
import type { WebhookRow } from './webhook-store.ts'

const RETENTION_MS = 30 * DAY_MS
/** Others get their turn in between. */
const DELETED_AT_ONCE = 200
/** Tests that wait for their answers, of one webhook and of all. */
const MAX_TESTS_OF_WEBHOOK = 4
const MAX_TESTS = 20

export type DeliveryService = ReturnType<typeof createDeliveryService>

/** The delivery log, and what people do with it. */
export function createDeliveryService({
  db,
  audit,
  dispatcher,
  clock,
  newId,
}: {
  db: Database
  audit: AuditService
  dispatcher: WebhookDispatcher
  clock: Clock
  newId: () => string
}) {
  /** The webhooks of tests that are under way. */
  const tests: string[] = []

  async function list(
    webhook: WebhookRow,
    { state }: DeliveryFilter,
    page: PageRequest,
  ): Promise<Page<WebhookDelivery>> {
    return pageFromRows(await listDeliveries(db, webhook.id, state, page), page, renderDelivery)
  }

  /** @throws problem delivery-not-found */
  async function get(webhook: WebhookRow, id: string): Promise<WebhookDeliveryDetail> {
    const row = await find(webhook, id)
    return { ...renderDelivery(row), payload: JSON.parse(row.payload), log: readLog(row) }
  }

  async function find(webhook: WebhookRow, id: string, connection: Connection = db): Promise<DeliveryRow> {
    const row = await findDelivery(connection, webhook.id, id)
    if (!row) throw problem('delivery-not-found', `The webhook ${webhook.id} has no delivery with the id ${id}.`)
    return row
  }

  /** Sends it again, now and as often as a new one: a delivery that failed, arrived, or waits. */
  async function redeliver(webhook: WebhookRow, id: string, author: Author): Promise<WebhookDelivery> {
    requireMayChange(actorOf(author), webhook.app_id)
    if (webhook.is_enabled === 0) throw problem('webhook-state', 'The webhook is disabled.')
    const row = await db.transaction().execute(async (tx) => {
      await find(webhook, id, tx)
      if (!(await requeueDelivery(tx, id, clock.now()))) {
        throw problem('webhook-state', 'An attempt to send this is under way.')
      }
      await audit.record(tx, author, { action: 'webhook.redelivered', ...about(webhook), after: { deliveryId: id } })
      return find(webhook, id, tx)
    })
    dispatcher.wake()
    return renderDelivery(row)
  }

  /**
   * Sends a test and waits for what comes of it: one attempt, also when the webhook is disabled.
   * @throws problem too-many-requests
   */
  async function test(webhook: WebhookRow, author: Author): Promise<WebhookDeliveryDetail> {
    requireMayChange(actorOf(author), webhook.app_id)
    if (tests.length >= MAX_TESTS || tests.filter((id) => id === webhook.id).length >= MAX_TESTS_OF_WEBHOOK) {
      const detail = 'Too many tests wait for their answers. Try again when they have them, in 15 s at most.'
      throw problem('too-many-requests', detail, { retryAfterSeconds: 15 })
    }
    tests.push(webhook.id)
    try {
      return await sendTest(webhook, author)
    } finally {
      tests.splice(tests.indexOf(webhook.id), 1)
    }
  }

  async function sendTest(webhook: WebhookRow, author: Author): Promise<WebhookDeliveryDetail> {
    const by = nameOf(author)
    const now = clock.now()
    const announcement = { id: newId(), type: TEST_TYPE, at: timestamp(now), data: { webhookId: webhook.id, by } }
    const delivery = newDelivery(webhook, announcement, { id: newId(), now })
    const claimed = dispatcher.claimedBySelf(delivery)
    await db.transaction().execute(async (tx) => {
      await insertDeliveries(tx, [claimed])
      await audit.record(tx, author, { action: 'webhook.tested', ...about(webhook) })
    })
    await dispatcher.attemptTest(claimed)
    return get(webhook, delivery.id)
  }

  async function sweep(): Promise<void> {
    const before = clock.now() - RETENTION_MS
    while ((await deleteDeliveriesBefore(db, before, DELETED_AT_ONCE)) === DELETED_AT_ONCE) await setImmediate()
  }

  return { list, get, redeliver, test, sweep }
}

function about(webhook: WebhookRow) {
  return { subject: ['webhook', webhook.id] as const, appId: webhook.app_id }
}
