import { Type, type Static } from 'typebox'
import { ChannelName, Id, Nullable, PlatformName, Timestamp } from './shared-schemas.ts'

/** A feed has at most a hundred items, and Sparkle reads all of it at every check. */
export const MAX_APPCAST_LENGTH = 1_000_000

const AppcastPlatform = Type.Union([Type.Literal('each'), PlatformName], {
  description: 'Only the items for this one; `each`: those of all',
})

/** Which feed of a channel. */
export const AppcastQuery = Type.Object({ platform: Type.Optional(AppcastPlatform) }, { additionalProperties: false })
export type AppcastQuery = Static<typeof AppcastQuery>

/** A channel's feed for Sparkle, and whether its publisher signed it as a whole. */
export const Appcast = Type.Object({
  channel: ChannelName,
  platform: AppcastPlatform,
  url: Type.String({ description: 'Where clients find it' }),
  content: Type.String({ description: 'What is in force now, byte for byte, without a signature' }),
  /** Null: it was never signed, or by keys that were revoked since. */
  signature: Nullable(
    Type.Object({
      isInForce: Type.Boolean({ description: 'False: what it is over is no longer true, and is served no more' }),
      keyId: Id,
      signedAt: Timestamp,
      signedBy: Type.String(),
      outOfDateSince: Nullable({
        ...Timestamp,
        description: 'Of one that is out of date: the first change of a rollout after it; null when it was none',
      }),
    }),
  ),
})
export type Appcast = Static<typeof Appcast>

export const NewSignedAppcast = Type.Object(
  {
    platform: Type.Optional(AppcastPlatform),
    signed: Type.String({
      maxLength: MAX_APPCAST_LENGTH,
      description: 'The feed with its signature at the end, as sign_update leaves it',
    }),
  },
  { additionalProperties: false },
)
export type NewSignedAppcast = Static<typeof NewSignedAppcast>
