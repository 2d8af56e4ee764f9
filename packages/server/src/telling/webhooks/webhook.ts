import type { Announcement, Webhook } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { appsOf, may, requireApp, type Actor } from '../../people/authors/actor.ts'
import { nullableTimestamp, timestamp } from '../../ground/clock.ts'
import type { WebhookRow } from './webhook-store.ts'

/** @throws problem forbidden: what tells about every app is an owner's to change */
export function requireMayChange(actor: Actor | null, appId: string | null): void {
  if (!actor) return
  if (appId === null && (appsOf(actor) !== null || !may(actor, 'webhooks:all-apps'))) {
    throw problem('forbidden', 'A webhook for all apps takes an owner of them all; name one app otherwise.')
  }
  requireApp(actor, appId ?? '')
}

/** Whether it is to be told this. */
export function wants({ app_id: appId, types }: WebhookRow, announcement: Announcement): boolean {
  const wanted = JSON.parse(types) as string[]
  return (appId === null || appId === announcement.appId) && (wanted.length === 0 || wanted.includes(announcement.type))
}

export function renderWebhook(row: WebhookRow): Webhook {
  return {
    id: row.id,
    appId: row.app_id,
    url: row.url,
    types: JSON.parse(row.types) as string[],
    isEnabled: row.is_enabled === 1,
    disabledReason: row.disabled_reason,
    failingSince: nullableTimestamp(row.failing_since),
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
    updatedAt: timestamp(row.updated_at),
  }
}
