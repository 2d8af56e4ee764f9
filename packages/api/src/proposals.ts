import { Type, type Static } from 'typebox'
import { ROLES, Role } from './access.ts'
import { Id, Nullable, OneOf, Timestamp } from './shared-schemas.ts'

const Named = Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 100, uniqueItems: true })

/** Who may publish to a channel, widen, resume and roll back there; pausing and halting stay open to who may otherwise. */
export const ChannelProtection = Type.Object({
  channel: Type.String(),
  roles: Type.Array(Role, { description: 'Who has one of them for the app' }),
  people: Type.Array(Type.String(), { description: 'Ids of persons; what they stand behind counts as they do' }),
  tokens: Type.Array(Type.String(), { description: 'Ids of API tokens, and of trust rules for what their jobs get' }),
  needsApproval: Type.Boolean({ description: 'A second person has to approve what is started, widened or resumed' }),
  updatedAt: Timestamp,
  updatedBy: Type.String(),
})
export type ChannelProtection = Static<typeof ChannelProtection>

export const NewChannelProtection = Type.Object(
  {
    roles: Type.Optional(Type.Array(Role, { maxItems: ROLES.length, uniqueItems: true })),
    people: Type.Optional(Named),
    tokens: Type.Optional(Named),
    needsApproval: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type NewChannelProtection = Static<typeof NewChannelProtection>

export const PROPOSAL_KINDS = ['start', 'change', 'resume'] as const
export const PROPOSAL_STATES = ['open', 'approved', 'rejected', 'withdrawn', 'overtaken'] as const

/** A change of a rollout on a channel where one person is not enough. Until it is approved it reaches nobody. */
export const Proposal = Type.Object({
  id: Id,
  appId: Id,
  channel: Type.String(),
  rolloutId: Id,
  kind: OneOf(PROPOSAL_KINDS),
  changes: Nullable(Type.Record(Type.String(), Type.Unknown(), { description: 'Of the rollout' })),
  revision: Type.Integer({ description: 'Of the rollout, as whoever proposed this saw it' }),
  state: OneOf(PROPOSAL_STATES, { description: 'Overtaken: the rollout ended or went on otherwise' }),
  proposedAt: Timestamp,
  proposedBy: Type.String(),
  personId: Nullable(Type.String({ description: 'Who is behind it, and may not approve it' })),
  decidedAt: Nullable(Timestamp),
  decidedBy: Nullable(Type.String()),
  reason: Nullable(Type.String()),
})
export type Proposal = Static<typeof Proposal>

export const ProposalFilter = Type.Object({
  state: Type.Optional(OneOf(PROPOSAL_STATES)),
  rolloutId: Type.Optional(Type.String({ maxLength: 100 })),
})
export type ProposalFilter = Static<typeof ProposalFilter>

export const ProposalRejection = Type.Object(
  { reason: Type.Optional(Type.String({ maxLength: 500 })) },
  { additionalProperties: false },
)
export type ProposalRejection = Static<typeof ProposalRejection>
