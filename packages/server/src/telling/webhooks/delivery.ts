import type { Announcement, WebhookAttempt, WebhookDelivery } from '@hotpatch/api'
import { nullableTimestamp, timestamp } from '../../ground/clock.ts'
import type { DeliveryRow } from './delivery-store.ts'
import type { WebhookRow } from './webhook-store.ts'

/** What the test button sends: tried once, whatever the webhook is told otherwise. */
export const TEST_TYPE = 'webhook.test'

/** Due at once. The body is kept as it is sent: what is signed has to be the same bytes every time. */
export function newDelivery(
  webhook: Pick<WebhookRow, 'id'>,
  { id: messageId, type, at, data }: Pick<Announcement, 'id' | 'at' | 'data'> & { type: string },
  { id, now }: { id: string; now: number },
): DeliveryRow {
  return {
    id,
    webhook_id: webhook.id,
    announcement_id: messageId,
    type,
    payload: JSON.stringify({ type, timestamp: at, data }),
    state: 'pending',
    attempts: 0,
    next_attempt_at: now,
    planned_at: now,
    claim: null,
    last_status: null,
    last_error: null,
    duration_ms: null,
    log: '[]',
    created_at: now,
    finished_at: null,
  }
}

export function readLog(row: DeliveryRow): WebhookAttempt[] {
  return JSON.parse(row.log) as WebhookAttempt[]
}

export function renderDelivery(row: DeliveryRow): WebhookDelivery {
  return {
    id: row.id,
    webhookId: row.webhook_id,
    messageId: row.announcement_id,
    type: row.type,
    state: row.state,
    attempts: row.attempts,
    // Of one that is being sent, it is not a time at which anything is to happen.
    nextAttemptAt: row.claim === null ? nullableTimestamp(row.next_attempt_at) : null,
    lastStatus: row.last_status,
    lastError: row.last_error,
    durationMs: row.duration_ms,
    createdAt: timestamp(row.created_at),
    finishedAt: nullableTimestamp(row.finished_at),
  }
}
