import { createAnnouncementRelay } from '../telling/announcements/announcement-relay.ts'
import { createAnnouncementStreams } from '../telling/announcements/announcement-streams.ts'
import { createDeliveryService } from '../telling/webhooks/delivery-service.ts'
import { createAddressRules } from '../ground/outgoing/address-rules.ts'
import { createWebhookDispatcher } from '../telling/webhooks/webhook-dispatcher.ts'
import { createWebhookService } from '../telling/webhooks/webhook-service.ts'
import type { CheckPath } from './check-path.ts'
import type { Core } from './core.ts'
import type { Services } from './services.ts'

export type Telling = ReturnType<typeof createTelling>

/** What tells others what happened: webhooks and the live stream. */
export function createTelling(
  { config, clock, timers, newId, db, box, traces, log }: Core,
  { feed }: CheckPath,
  { audit, announcements }: Services,
) {
  const addresses = createAddressRules({
    allowed: config.webhooks.allowedNetworks,
    refusal: 'webhook-address-refused',
  })
  const background = { clock, timers, newId, intervalMs: config.refreshIntervalMs, log }
  const webhooks = createWebhookService({ db, audit, box, addresses, clock, newId })
  const dispatcher = createWebhookDispatcher({ db, audit, box, addresses, random: Math.random, traces, ...background })
  const deliveries = createDeliveryService({ db, audit, dispatcher, clock, newId })
  const relay = createAnnouncementRelay({ announcements, receive: webhooks.addDeliveries, feed, ...background })
  const streams = createAnnouncementStreams({ announcements, timers, log })
  relay.onPlaced(streams.look)

  async function stop(): Promise<void> {
    await relay.stop()
    await dispatcher.stop()
  }

  return { webhooks, dispatcher, deliveries, streams, relay, start: relay.start, stop }
}
