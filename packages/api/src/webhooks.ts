import { Type, type Static } from 'typebox'
import { AnnouncementType } from './announcements.ts'
import { Id, Nullable, Timestamp } from './shared-schemas.ts'

const Types = Type.Array(AnnouncementType, {
  uniqueItems: true,
  maxItems: 50,
  description: 'What it is told; all types when the list is empty',
})
const Address = Type.String({ minLength: 1, maxLength: 2000, description: 'Such as https://example.com/hotpatch' })

/** An address that is told what happens. Its secret is shown when it is made, and never again. */
export const Webhook = Type.Object({
  id: Id,
  appId: Nullable(Id),
  url: Type.String(),
  types: Type.Array(Type.String()),
  isEnabled: Type.Boolean(),
  disabledReason: Nullable(Type.String({ description: 'Why the server disabled it' })),
  failingSince: Nullable(Timestamp),
  createdAt: Timestamp,
  createdBy: Type.String(),
  updatedAt: Timestamp,
})
export type Webhook = Static<typeof Webhook>

export const NewWebhook = Type.Object(
  {
    url: Address,
    app: Type.Optional(Type.String({ description: 'Id or slug; every app when absent, which takes an owner' })),
    types: Type.Optional(Types),
  },
  { additionalProperties: false },
)
export type NewWebhook = Static<typeof NewWebhook>

export const WebhookChanges = Type.Object(
  {
    url: Type.Optional(Address),
    types: Type.Optional(Types),
    isEnabled: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false, minProperties: 1 },
)
export type WebhookChanges = Static<typeof WebhookChanges>

/** The secret is shown here, this once. */
export const WebhookWithSecret = Type.Object({
  ...Webhook.properties,
  secret: Type.String({ description: '`whsec_` and 32 bytes in base64, as Standard Webhooks has it' }),
})
export type WebhookWithSecret = Static<typeof WebhookWithSecret>

export const WebhookAttempt = Type.Object({
  at: Timestamp,
  status: Nullable(Type.Integer({ description: 'HTTP status; null when there was no answer' })),
  error: Nullable(Type.String()),
  durationMs: Type.Integer(),
})
export type WebhookAttempt = Static<typeof WebhookAttempt>

export const DeliveryState = Type.Union([Type.Literal('pending'), Type.Literal('delivered'), Type.Literal('failed')])

/** One message for one webhook, with what became of it. */
export const WebhookDelivery = Type.Object({
  id: Id,
  webhookId: Id,
  messageId: Type.String({ description: 'The header `webhook-id`: the same for every attempt' }),
  type: Type.String(),
  state: DeliveryState,
  attempts: Type.Integer(),
  nextAttemptAt: Nullable(Timestamp),
  lastStatus: Nullable(Type.Integer()),
  lastError: Nullable(Type.String()),
  durationMs: Nullable(Type.Integer()),
  createdAt: Timestamp,
  finishedAt: Nullable(Timestamp),
})
export type WebhookDelivery = Static<typeof WebhookDelivery>

export const WebhookDeliveryDetail = Type.Object({
  ...WebhookDelivery.properties,
  payload: Type.Unknown({ description: 'The body that is sent' }),
  log: Type.Array(WebhookAttempt, { description: 'The newest attempts, oldest first' }),
})
export type WebhookDeliveryDetail = Static<typeof WebhookDeliveryDetail>

export const WebhookFilter = Type.Object({
  app: Type.Optional(Type.String({ description: 'Id or slug: only the webhooks of this app' })),
})
export type WebhookFilter = Static<typeof WebhookFilter>

export const DeliveryFilter = Type.Object({ state: Type.Optional(DeliveryState) })
export type DeliveryFilter = Static<typeof DeliveryFilter>
