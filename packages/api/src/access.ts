import { Type, type Static } from 'typebox'
import { DisplayName } from './display-name.ts'
import { ChannelName, Id, Nullable, OneOf, Timestamp } from './shared-schemas.ts'

/** Each role may do all that those after it may: owner, admin, publisher, reader. */
export const ROLES = ['owner', 'admin', 'publisher', 'reader'] as const

export const Role = OneOf(ROLES)
export type Role = (typeof ROLES)[number]

/** An API token, without its secret. */
export const ApiToken = Type.Object({
  id: Id,
  name: Type.String(),
  role: Role,
  appId: Nullable(Id),
  channels: Nullable(Type.Array(Type.String(), { description: 'Null: every channel' })),
  permissions: Nullable(Type.Array(Type.String(), { description: 'Null: all that the role has' })),
  allowedAddresses: Nullable(Type.Array(Type.String(), { description: 'From which it works; null: from everywhere' })),
  personId: Nullable(Type.String({ description: 'Who stands behind it: it may no more than he may now' })),
  createdAt: Timestamp,
  createdBy: Type.String(),
  parentId: Nullable(Type.String({ description: 'The token that it was made with, and ends with' })),
  expiresAt: Nullable(Timestamp),
  lastUsedAt: Nullable(Timestamp),
  revokedAt: Nullable(Timestamp),
})
export type ApiToken = Static<typeof ApiToken>

export const NewApiToken = Type.Object(
  {
    name: DisplayName(),
    role: Role,
    app: Type.Optional(Type.String({ description: 'Id or slug: the token then works for this app only' })),
    channels: Type.Optional(
      Type.Array(ChannelName, {
        minItems: 1,
        maxItems: 50,
        uniqueItems: true,
        description: 'Of the app: it then changes nothing on others, and has no permission that is not about channels',
      }),
    ),
    permissions: Type.Optional(
      Type.Array(Type.String({ maxLength: 40 }), {
        minItems: 1,
        maxItems: 60,
        uniqueItems: true,
        description: 'Some of those that the role has, such as releases:publish; by default all',
      }),
    ),
    allowedAddresses: Type.Optional(
      Type.Array(Type.String({ maxLength: 50 }), {
        minItems: 1,
        maxItems: 50,
        uniqueItems: true,
        description: 'Addresses and networks from which it works, such as 203.0.113.0/24; by default all',
      }),
    ),
    expiresAt: Type.Optional(
      Type.String({
        format: 'date-time',
        description: 'At most when the token that makes it does, and then by default',
      }),
    ),
  },
  { additionalProperties: false },
)
export type NewApiToken = Static<typeof NewApiToken>

/** Without `ended`: all of them. */
export const TokenFilter = Type.Object({
  ended: Type.Optional(
    Type.Boolean({ description: 'Only those that were revoked or have expired; false: only others' }),
  ),
})
export type TokenFilter = Static<typeof TokenFilter>

/** One entry of the table of what somebody may do. */
export const PermissionEntry = Type.Object({
  name: Type.String(),
  roles: Type.Array(Role, { description: 'Those that have it' }),
  reach: OneOf(['server', 'app', 'channel'], { description: 'The narrowest that it can be given for' }),
  lets: Type.String(),
})
export type PermissionEntry = Static<typeof PermissionEntry>

/** The secret is shown once, here. */
export const CreatedApiToken = Type.Object({ ...ApiToken.properties, token: Type.String() })
export type CreatedApiToken = Static<typeof CreatedApiToken>

export const RevocationQuery = Type.Object({
  keepDescendants: Type.Optional(
    Type.Boolean({ description: 'Tokens that were made with it go on, as if its own maker had made them' }),
  ),
})
export type RevocationQuery = Static<typeof RevocationQuery>

export const RevokedApiToken = Type.Object({
  ...ApiToken.properties,
  alsoRevoked: Type.Array(Id, { description: 'Tokens that were made with it, at any remove' }),
})
export type RevokedApiToken = Static<typeof RevokedApiToken>

/** What whoever runs the server should look at. */
export const ServerAdvice = Type.Object({ about: Type.String(), detail: Type.String(), remedy: Type.String() })
export type ServerAdvice = Static<typeof ServerAdvice>

/** What somebody may do somewhere. */
export const Grant = Type.Object({
  role: Role,
  appId: Nullable(Id),
  channels: Nullable(Type.Array(Type.String())),
  permissions: Type.Array(Type.String()),
})
export type Grant = Static<typeof Grant>

export const Whoami = Type.Object({
  kind: OneOf(['token', 'person']),
  id: Id,
  tokenId: Nullable(Id),
  personId: Nullable(Type.String({ description: 'Who is behind it: the person himself, or who made the token' })),
  name: Type.String(),
  role: OneOf(ROLES, { description: 'The one that may most of those that the grants have' }),
  appId: Nullable(Type.String({ description: 'When it is for one app only' })),
  grants: Type.Array(Grant, { description: 'May do anything that one of them allows, where that one is for' }),
  expiresAt: Nullable(Timestamp),
  serverVersion: Type.String(),
  serverTime: Timestamp,
  advice: Type.Optional(Type.Array(ServerAdvice)),
})
export type Whoami = Static<typeof Whoami>

/** Somebody; or the server by itself, for a guard or a plan where it is not the first start. */
export const ActorKind = Type.Union([
  Type.Literal('token'),
  Type.Literal('person'),
  Type.Literal('server'),
  Type.Literal('guard'),
  Type.Literal('plan'),
])
export type ActorKind = Static<typeof ActorKind>
