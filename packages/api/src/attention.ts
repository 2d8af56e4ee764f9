import { Type, type Static } from 'typebox'
import { Nullable, OneOf, Timestamp } from './shared-schemas.ts'

/** What may need somebody's attention. */
export const ATTENTION_KINDS = [
  'guard-tripped',
  'guard-rolled-back',
  'plan-stuck',
  'patches-waiting',
  'patches-given-up',
  'token-expiring',
  'token-expired',
  'key-missing',
  'key-without-spare',
  'certificate-expiring',
  'certificate-expired',
  'feed-not-signed',
  'webhook-turned-off',
  'webhook-failing',
  'proposal-waiting',
] as const
export type AttentionKind = (typeof ATTENTION_KINDS)[number]

/** From the one that comes first. Critical: devices or people are without something now. */
export const ATTENTION_SEVERITIES = ['critical', 'warning', 'notice'] as const
export type AttentionSeverity = (typeof ATTENTION_SEVERITIES)[number]

/** Something that does not mend itself. */
export const AttentionItem = Type.Object({
  kind: OneOf(ATTENTION_KINDS, { description: `One of ${ATTENTION_KINDS.join(', ')}` }),
  severity: OneOf(ATTENTION_SEVERITIES, { description: 'critical: something is missing now' }),
  appId: Nullable(Type.String({ description: 'Null: of no app by itself' })),
  appSlug: Nullable(Type.String()),
  subject: Type.Object({
    kind: Type.String({ description: 'Such as rollout, token or webhook' }),
    id: Type.String(),
    name: Type.String({ description: 'For people to read' }),
  }),
  since: Timestamp,
  explanation: Type.String({ description: 'What is the matter, in a sentence' }),
  remedy: Type.String({ description: 'What to do about it' }),
  facts: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]), {
    description: 'What the sentences say, by name: for sentences in other languages',
  }),
  address: Type.String({
    description: 'Where in the console it is mended, below its base, such as apps/shop/rollouts',
  }),
})
export type AttentionItem = Static<typeof AttentionItem>

export const AttentionQuery = Type.Object({
  app: Type.Optional(Type.String({ description: 'Id or slug: only what concerns this app' })),
})
export type AttentionQuery = Static<typeof AttentionQuery>

/** Most severe first, of these the newest. */
export const Attention = Type.Object({
  at: Timestamp,
  items: Type.Array(AttentionItem),
  leftOut: Type.Integer({ minimum: 0, description: 'Further ones, which come after those that are told' }),
})
export type Attention = Static<typeof Attention>
