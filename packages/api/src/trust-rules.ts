import { Type, type Static } from 'typebox'
import { DisplayName } from './display-name.ts'
import { Role } from './access.ts'
import { ChannelName, Id, Nullable, Timestamp } from './shared-schemas.ts'

/** Claims that every token has, which the rule itself is about. */
export const RESERVED_CLAIMS = ['iss', 'aud', 'exp', 'nbf', 'iat', 'jti'] as const

/** What a claim of the token has to be. */
export const TrustCondition = Type.Object(
  {
    claim: Type.String({ minLength: 1, maxLength: 200, description: 'Such as repository, or sub' }),
    matches: Type.String({
      minLength: 1,
      maxLength: 500,
      description:
        'The whole value. `*` stands for any characters but "/" and ":", `**` for any at all; upper and lower case differ',
    }),
  },
  { additionalProperties: false },
)
export type TrustCondition = Static<typeof TrustCondition>

const RuleFields = {
  name: DisplayName(),
  issuer: Type.String({
    minLength: 1,
    maxLength: 500,
    description: 'As `iss` of its tokens says it, such as https://token.actions.githubusercontent.com',
  }),
  audience: Type.String({
    minLength: 1,
    maxLength: 500,
    description:
      'The only `aud` of its tokens: the address of this server, so that tokens for others are worth nothing here',
  }),
  conditions: Type.Array(TrustCondition, { minItems: 1, maxItems: 20, description: 'All have to be met' }),
  role: Role,
}
const Lifetime = {
  minimum: 1,
  maximum: 60,
  description: 'How long a token works that one of the issuer is exchanged for',
}
const LifetimeMinutes = Type.Integer({ ...Lifetime, default: 15 })
const Channels = Type.Array(ChannelName, {
  minItems: 1,
  maxItems: 100,
  description: 'Its tokens then work on these channels only',
})
const Permissions = Type.Array(Type.String({ maxLength: 100 }), {
  minItems: 1,
  maxItems: 100,
  description: 'Its tokens then have these only, of those that the role has',
})

/** Lets whoever has a certain token of an issuer have a short-lived API token: CI without a secret. */
export const TrustRule = Type.Object({
  id: Id,
  ...RuleFields,
  appId: Nullable(Id),
  channels: Nullable(Type.Array(Type.String())),
  permissions: Nullable(Type.Array(Type.String())),
  lifetimeMinutes: LifetimeMinutes,
  createdAt: Timestamp,
  createdBy: Type.String(),
  lastUsedAt: Nullable(Timestamp),
  endedAt: Nullable(
    Type.String({
      format: 'date-time',
      description: 'Since when it lets nobody in: with who made it, or when that expired',
    }),
  ),
})
export type TrustRule = Static<typeof TrustRule>

export const NewTrustRule = Type.Object(
  {
    ...RuleFields,
    app: Type.Optional(Type.String({ description: 'Id or slug: its tokens then work for this app only' })),
    channels: Type.Optional(Channels),
    permissions: Type.Optional(Permissions),
    lifetimeMinutes: Type.Optional(LifetimeMinutes),
  },
  { additionalProperties: false },
)
export type NewTrustRule = Static<typeof NewTrustRule>

/** What is left out stays as it is. */
export const TrustRuleChanges = Type.Object(
  {
    name: Type.Optional(RuleFields.name),
    issuer: Type.Optional(RuleFields.issuer),
    audience: Type.Optional(RuleFields.audience),
    conditions: Type.Optional(RuleFields.conditions),
    role: Type.Optional(Role),
    app: Type.Optional(Nullable(Type.String({ description: 'Id or slug; null: every app' }))),
    channels: Type.Optional(Nullable({ ...Channels, description: 'Null: every channel' })),
    permissions: Type.Optional(Nullable({ ...Permissions, description: 'Null: all that the role has' })),
    // Without the default of a new one: it would be set with every other change.
    lifetimeMinutes: Type.Optional(Type.Integer(Lifetime)),
  },
  { additionalProperties: false, minProperties: 1 },
)
export type TrustRuleChanges = Static<typeof TrustRuleChanges>

export const TOKEN_EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'

/** RFC 8693 §2.1, as JSON or as a form; what else that has does not matter here. */
export const TokenExchange = Type.Object({
  grant_type: Type.Optional(Type.Literal(TOKEN_EXCHANGE_GRANT)),
  subject_token: Type.String({ minLength: 1, maxLength: 16_384, description: 'The identity token of the CI job' }),
  subject_token_type: Type.Optional(
    Type.Union([
      Type.Literal('urn:ietf:params:oauth:token-type:id_token'),
      Type.Literal('urn:ietf:params:oauth:token-type:jwt'),
    ]),
  ),
  requested_token_type: Type.Optional(Type.Literal(ACCESS_TOKEN_TYPE)),
  rule: Type.Optional(
    Type.String({ minLength: 1, maxLength: 100, description: 'Name or id of the trust rule, where several may fit' }),
  ),
})
export type TokenExchange = Static<typeof TokenExchange>

/** RFC 8693 §2.2.1. */
export const ExchangedToken = Type.Object({
  access_token: Type.String(),
  issued_token_type: Type.Literal(ACCESS_TOKEN_TYPE),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'In seconds' }),
  rule: Type.String({ description: 'Name of the trust rule that let it in' }),
})
export type ExchangedToken = Static<typeof ExchangedToken>

export const TrustQuestion = Type.Object(
  { token: Type.String({ minLength: 1, maxLength: 16_384, description: 'An identity token of the issuer' }) },
  { additionalProperties: false },
)
export type TrustQuestion = Static<typeof TrustQuestion>

/** What a rule expects and the token does not have. */
const TrustDifference = Type.Object({
  claim: Type.String(),
  expected: Type.String(),
  found: Nullable(Type.String()),
})

/** Why a token would be let in, or not, rule by rule. */
export const TrustExplanation = Type.Object({
  issuer: Type.String(),
  audience: Type.String(),
  refusal: Nullable(Type.String({ description: 'Why the token is worth nothing, whatever the rules say' })),
  claims: Type.Record(Type.String(), Type.String()),
  rules: Type.Array(
    Type.Object({ id: Id, name: Type.String(), fits: Type.Boolean(), differences: Type.Array(TrustDifference) }),
  ),
})
export type TrustExplanation = Static<typeof TrustExplanation>
