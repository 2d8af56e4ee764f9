import { Type, type Static } from 'typebox'
import { DisplayName } from './display-name.ts'
import { GuardChoice, GuardDifferences } from './guards.ts'
import { ChannelName, Id, Nullable, PlatformName, Timestamp } from './shared-schemas.ts'
import { DeviceCohorts, DeviceCredentials, TrustDifferences } from './trust.ts'

export const AppSlug = Type.String({
  pattern: '^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$',
  description: 'Lower-case letters, digits and "-"; at most 63 characters',
})

/** Whether checks must carry the app key. */
export const CheckAccess = Type.Union([Type.Literal('app-key'), Type.Literal('open')])

/** Salt and resolution of new rollouts: `original` is the React Native contract's rule (no salt, modulo 100). */
export const Bucketing = Type.Union([Type.Literal('per-rollout'), Type.Literal('per-app'), Type.Literal('original')])
export type Bucketing = Static<typeof Bucketing>

/** `required` from the first signed release on. */
export const SigningPolicy = Type.Union([Type.Literal('optional'), Type.Literal('required')])

/** `hashed`: the server knows a device by a keyed hash of its id only; chosen before the first device checks. */
export const DeviceIds = Type.Union([Type.Literal('hashed'), Type.Literal('as-given')], {
  description: 'Whether devices are known by a keyed hash of the id that they tell, or by that id itself',
})
export type DeviceIds = Static<typeof DeviceIds>

export const BundleId = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9_-]*(?:\\.[A-Za-z0-9_-]+)*$',
  maxLength: 255,
  description: 'Such as com.example.app',
})

/** As a whole. An app that has some is asked for under these only, by clients that say what their binary is called. */
const BundleIds = Type.Array(BundleId, { maxItems: 20, uniqueItems: true })

/** In days. */
const Retention = Type.Integer({ minimum: 1, maximum: 3650 })

/** Something you ship. */
export const App = Type.Object({
  id: Id,
  slug: AppSlug,
  name: Type.String(),
  appKey: Type.String({ description: 'Public: it is built into the app' }),
  platforms: Type.Array(PlatformName),
  checkAccess: CheckAccess,
  bucketing: Bucketing,
  signing: SigningPolicy,
  deviceIds: DeviceIds,
  eventRetentionDays: Type.Integer({ description: 'How long events of single devices are kept' }),
  deviceRetentionDays: Type.Integer({ description: 'After how long without a sign of life a device is forgotten' }),
  archivedRetentionDays: Nullable(
    Type.Integer({ description: 'How long the files of a release stay after it was archived; null: for good' }),
  ),
  /** What the guards of its new rollouts do otherwise than by default. */
  guard: GuardDifferences,
  /** Whom guards and plans believe otherwise than by default. */
  trust: TrustDifferences,
  deviceCohorts: DeviceCohorts,
  deviceCredentials: DeviceCredentials,
  bundleIds: Type.Array(Type.String(), { description: 'What its binaries are called; no other app has the same' }),
  createdAt: Timestamp,
})
export type App = Static<typeof App>

export const NewApp = Type.Object(
  {
    slug: AppSlug,
    name: Type.Optional(DisplayName()),
    platforms: Type.Optional(Type.Array(PlatformName, { minItems: 1, uniqueItems: true, default: ['android', 'ios'] })),
    checkAccess: Type.Optional(CheckAccess),
    bucketing: Type.Optional(Bucketing),
    signing: Type.Optional(SigningPolicy),
    /** `hashed` when absent, unless the bucketing is `original`, which needs the ids as they are. */
    deviceIds: Type.Optional(DeviceIds),
    eventRetentionDays: Type.Optional(Retention),
    deviceRetentionDays: Type.Optional(Retention),
    archivedRetentionDays: Type.Optional(Nullable(Retention)),
    guard: Type.Optional(GuardChoice),
    trust: Type.Optional(TrustDifferences),
    deviceCohorts: Type.Optional(DeviceCohorts),
    deviceCredentials: Type.Optional(DeviceCredentials),
    bundleIds: Type.Optional(BundleIds),
  },
  { additionalProperties: false },
)
export type NewApp = Static<typeof NewApp>

export const AppChanges = Type.Object(
  {
    name: Type.Optional(DisplayName()),
    platforms: Type.Optional(Type.Array(PlatformName, { minItems: 1, uniqueItems: true })),
    checkAccess: Type.Optional(CheckAccess),
    bucketing: Type.Optional(Bucketing),
    signing: Type.Optional(SigningPolicy),
    /** Only while the app has no devices. */
    deviceIds: Type.Optional(DeviceIds),
    eventRetentionDays: Type.Optional(Retention),
    deviceRetentionDays: Type.Optional(Retention),
    archivedRetentionDays: Type.Optional(Nullable(Retention)),
    /** As a whole: what is not named goes by the defaults. Rollouts that are there keep theirs. */
    guard: Type.Optional(GuardChoice),
    /** As a whole, from now on. */
    trust: Type.Optional(TrustDifferences),
    deviceCohorts: Type.Optional(DeviceCohorts),
    deviceCredentials: Type.Optional(DeviceCredentials),
    bundleIds: Type.Optional(BundleIds),
  },
  { additionalProperties: false, minProperties: 1 },
)
export type AppChanges = Static<typeof AppChanges>

/** `closed` initially: users choose among channels that somebody has opened for that. */
export const DeviceChoice = Type.Union([Type.Literal('closed'), Type.Literal('open')], {
  description: 'Whether devices are told of the channel, and may choose it by themselves',
})
export type DeviceChoice = Static<typeof DeviceChoice>

/** A named track of an app. */
export const Channel = Type.Object({
  id: Id,
  name: ChannelName,
  deviceChoice: DeviceChoice,
  createdAt: Timestamp,
})
export type Channel = Static<typeof Channel>

export const NewChannel = Type.Object(
  { name: ChannelName, deviceChoice: Type.Optional(DeviceChoice) },
  { additionalProperties: false },
)
export type NewChannel = Static<typeof NewChannel>

export const ChannelChanges = Type.Object({ deviceChoice: DeviceChoice }, { additionalProperties: false })
export type ChannelChanges = Static<typeof ChannelChanges>

/** A further key of an app that names one of its channels, too: what other systems call a deployment key. */
export const ChannelKey = Type.Object({
  id: Id,
  channel: ChannelName,
  platform: Nullable({ ...PlatformName, description: 'Of clients that tell none, such as those of CodePush' }),
  name: Type.String(),
  key: Type.String(),
  createdAt: Timestamp,
  createdBy: Type.String(),
  revokedAt: Nullable(Timestamp),
})
export type ChannelKey = Static<typeof ChannelKey>

export const NewChannelKey = Type.Object(
  {
    channel: ChannelName,
    platform: Type.Optional(PlatformName),
    name: Type.Optional(DisplayName()),
    key: Type.Optional(
      Type.String({
        pattern: '^(?!hpk_)[A-Za-z0-9._~-]{16,128}$',
        description: 'One that binaries have already; made when absent',
      }),
    ),
  },
  { additionalProperties: false },
)
export type NewChannelKey = Static<typeof NewChannelKey>

/** Raw 32-byte Ed25519 public key in base64. */
export const PublicKey = Type.String({ pattern: '^[A-Za-z0-9+/]{43}=$' })

/** What kind of key it is. `ed25519` signs statements and bundles, the others what clients of others verify (Signing §10). */
export const KeyAlgorithm = Type.Union([
  Type.Literal('ed25519'),
  Type.Literal('rsa'),
  Type.Literal('minisign'),
  Type.Literal('sparkle-ed25519'),
])
export type KeyAlgorithm = Static<typeof KeyAlgorithm>

/** A key whose releases the app takes. */
export const SigningKey = Type.Object({
  id: Id,
  algorithm: KeyAlgorithm,
  publicKey: Type.String({
    description: 'Of Ed25519 and Sparkle the raw bytes in base64, of RSA a PEM, of minisign its line "RW…"',
  }),
  name: Type.String(),
  createdAt: Timestamp,
  createdBy: Type.String(),
  revokedAt: Type.Union([Timestamp, Type.Null()]),
})
export type SigningKey = Static<typeof SigningKey>

export const NewSigningKey = Type.Object(
  {
    publicKey: Type.String({
      minLength: 1,
      maxLength: 4096,
      description:
        'Of Ed25519 and Sparkle (SUPublicEDKey) the 32 raw bytes in base64; of RSA a PEM, "BEGIN PUBLIC KEY"; of minisign its line, its file, or the "pubkey" of Tauri',
    }),
    algorithm: Type.Optional(KeyAlgorithm),
    name: Type.Optional(DisplayName()),
  },
  { additionalProperties: false },
)
export type NewSigningKey = Static<typeof NewSigningKey>

/** What the next statement for (app, platform) must carry. */
export const NextSequence = Type.Object({
  platform: PlatformName,
  nextSequence: Type.Integer({ minimum: 1, description: 'Above all that was taken here, and all that is believed' }),
  taken: Type.Integer({ minimum: 0, description: 'The highest that this server has taken, or was told' }),
  /** Null, as it should be: no device has seen more than this server has taken. */
  told: Nullable(
    Type.Object({
      sequence: Type.Integer({ description: 'The highest that devices say they have confirmed, above `taken`' }),
      devices: Type.Integer({ description: 'Devices that say so of any sequence above `taken`' }),
      believed: Nullable(
        Type.Integer({ description: 'The highest that enough of them bear out (Signing §8); null: too few say so' }),
      ),
    }),
  ),
})
export type NextSequence = Static<typeof NextSequence>

/** Goes on from a higher sequence: after a backup was restored that did not know the newest ones. */
export const NewNextSequence = Type.Object(
  { platform: PlatformName, nextSequence: Type.Integer({ minimum: 1 }) },
  { additionalProperties: false },
)
export type NewNextSequence = Static<typeof NewNextSequence>
