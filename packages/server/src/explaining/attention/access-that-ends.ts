import { DAY_MS, HOUR_MS, timestamp } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { AttentionQuestion, FoundItem } from './attention-item.ts'
import { listEndingTokens, listFailingWebhooks } from './attention-queries.ts'

const EXPIRES_SOON_MS = 14 * DAY_MS
/** Whoever still needs it has noticed by then. */
const EXPIRED_SHOWN_MS = 7 * DAY_MS
/** One that was never meant to last is no news when it ends. */
const SHORT_LIVED_MS = 3 * DAY_MS
/** A receiver that is restarted is back by then. */
const FAILING_LONG_MS = HOUR_MS

/** Tokens that end soon, and those that ended while they were in use. */
export async function findEndingTokens(
  db: Database,
  { now, ...whose }: AttentionQuestion,
): Promise<readonly FoundItem[]> {
  const rows = await listEndingTokens(db, whose, { from: now - EXPIRED_SHOWN_MS, to: now + EXPIRES_SOON_MS })
  return rows.flatMap(({ id, name, app_id, slug, created_at, expires_at, last_used_at }) => {
    const end = expires_at ?? 0
    if (end - created_at <= SHORT_LIVED_MS) return []
    const isOver = end <= now
    if (isOver && (last_used_at ?? 0) < end - EXPIRED_SHOWN_MS) return []
    const item: FoundItem = {
      app_id,
      slug,
      kind: isOver ? 'token-expired' : 'token-expiring',
      severity: isOver ? 'notice' : 'warning',
      subject: { kind: 'token', id, name },
      since: isOver ? end : Math.max(created_at, end - EXPIRES_SOON_MS),
      explanation: isOver
        ? `The token "${name}" expired at ${timestamp(end)}, and was in use in the week before.`
        : `The token "${name}" expires at ${timestamp(end)}: from then on whatever uses it is refused.`,
      remedy: 'Make a new token, give it to whatever uses this one, and revoke this one.',
      facts: { end: timestamp(end) },
      address: 'tokens',
    }
    return [item]
  })
}

/** Webhooks that the server turned off, and those that have not taken anything for long. */
export async function findFailingWebhooks(
  db: Database,
  { now, ...whose }: AttentionQuestion,
): Promise<readonly FoundItem[]> {
  const rows = await listFailingWebhooks(db, whose)
  return rows.flatMap(({ id, app_id, slug, url, is_enabled, disabled_reason, failing_since, updated_at }) => {
    const isOff = is_enabled === 0
    const since = (isOff ? updated_at : failing_since) ?? updated_at
    if (!isOff && now - since < FAILING_LONG_MS) return []
    const { host } = new URL(url)
    const item: FoundItem = {
      app_id,
      slug,
      kind: isOff ? 'webhook-turned-off' : 'webhook-failing',
      severity: isOff ? 'critical' : 'warning',
      // The rest of an address may hold a secret of its receiver.
      subject: { kind: 'webhook', id, name: host },
      since,
      explanation: isOff
        ? `The webhook to ${host} was turned off: ${disabled_reason ?? ''}`
        : `The webhook to ${host} has taken nothing since ${timestamp(since)}: it is turned off after five days of that.`,
      remedy: isOff
        ? 'Mend the receiver, send a test, and turn the webhook on again; what was not delivered can be sent again.'
        : 'Look into the log of its deliveries, and mend the receiver.',
      facts: { host, ...(disabled_reason !== null && { reason: disabled_reason }) },
      address: `webhooks/${id}`,
    }
    return [item]
  })
}
