import { CONTENT_KINDS, MAX_ARCHITECTURES, MAX_ARTIFACTS } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'
import { PublicKey } from './apps.ts'
import type { OfArchive } from './content/archive.ts'
import { ReadApplication } from './content/binary.ts'
import { NewReleaseContent, ReleaseContent } from './content/release-content.ts'
import { RolloutPlan } from './plans.ts'
import { GuardChoice } from './guards.ts'
import { AttributeRules, CohortNames, ForcedDevices } from './audience.ts'
import {
  Base64,
  ChannelName,
  DEFAULT_CHANNEL,
  Id,
  LabelNumber,
  MandatoryBelow,
  Nullable,
  OneOf,
  Paused,
  Percentage,
  PlatformName,
  Sha256,
  Timestamp,
} from './shared-schemas.ts'

export const ReleaseVersion = Type.String({
  pattern: '^[0-9A-Za-z][0-9A-Za-z.+_-]{0,49}$',
  description: 'At most 50 letters, digits, ".", "+", "_" and "-"',
})

/**
 * `rsa-sha256`: PKCS#1 v1.5 over the artifact's own bytes, `rsa-sha256-digest` over their SHA-256; `minisign`: the text of a `.sig` file in base64;
 * `sparkle-ed25519`: plain Ed25519 over the artifact's own bytes.
 */
export const SignatureSchemeName = Type.Union([
  Type.Literal('rsa-sha256'),
  Type.Literal('rsa-sha256-digest'),
  Type.Literal('minisign'),
  Type.Literal('sparkle-ed25519'),
])

export const MAX_NOTES_LENGTH = 10_000

/** Of what is published from now on: a word such as "latest" is none. */
export const NewReleaseVersion = Type.String({
  pattern: '^v?[0-9][0-9A-Za-z.+_-]{0,48}$',
  description: 'Begins with a digit, or "v" and a digit; then at most 48 letters, digits, ".", "+", "_" and "-"',
})

const requirement = {
  minNativeVersion: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  nativeRange: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  runtimeVersion: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  minOsVersion: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  architectures: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { minItems: 1, maxItems: MAX_ARCHITECTURES }),
  ),
}

/** A signature for clients that verify something other than its statement (Signing §10). */
export const AddedSignature = Type.Object({
  scheme: SignatureSchemeName,
  subject: { ...Sha256, description: 'Of the bytes that were signed: an artifact, or of a kit a statement' },
  keyId: Id,
  value: Base64,
})
export type AddedSignature = Static<typeof AddedSignature>

/** One request has no more: a release of more files is signed by several. */
export const MAX_ADDED_SIGNATURES = 500

/** By one key: all of them, or none. */
export const NewAddedSignatures = Type.Object(
  {
    scheme: SignatureSchemeName,
    keyId: Id,
    signatures: Type.Array(
      Type.Object(
        {
          subject: Type.Optional({
            ...Sha256,
            description: 'May be absent where the release has one artifact, or of a kit one statement',
          }),
          value: Base64,
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: MAX_ADDED_SIGNATURES },
    ),
  },
  { additionalProperties: false },
)
export type NewAddedSignatures = Static<typeof NewAddedSignatures>

export const AddedSignatures = Type.Object({ items: Type.Array(AddedSignature) })
export type AddedSignatures = Static<typeof AddedSignatures>

/** Of whole binaries: Android's `versionCode`, a build number. */
export const VersionCode = Type.Integer({
  minimum: 0,
  maximum: 999_999_999_999_999,
  description: 'Rises with every build; the "+BUILD" of the version says the same',
})

/** What a release needs of the native shell. */
export const ReleaseRequirement = Type.Object(requirement)

/** Immutable content: an app's version for a platform, of which there is one. */
export const Release = Type.Object({
  id: Id,
  appId: Id,
  platform: PlatformName,
  version: ReleaseVersion,
  versionCode: Nullable(VersionCode),
  channel: Type.String({ description: 'Where it was published first' }),
  sequence: Type.Integer(),
  floor: Type.Integer(),
  content: ReleaseContent,
  requirement: ReleaseRequirement,
  notes: Type.String(),
  signature: Nullable(Base64),
  statement: Nullable(Base64),
  statementSignature: Nullable(Base64),
  keyId: Nullable(Id),
  /** Of further schemes; absent where there are none. */
  signatures: Type.Optional(Type.Array(AddedSignature)),
  createdAt: Timestamp,
  createdBy: Type.String(),
  archivedAt: Nullable(Timestamp),
  bytesRemovedAt: Nullable({ ...Timestamp, description: 'Since when its files cannot be downloaded any more' }),
  /** Told where releases are listed and shown. */
  inForce: Type.Optional(
    Type.Array(
      Type.Object({
        rolloutId: Id,
        channel: Type.String(),
        state: OneOf(['active', 'paused']),
        percentage: Percentage,
        mandatory: Type.Boolean(),
        startsAt: Nullable(Timestamp),
      }),
      { description: 'Its rollouts that are active or paused, newest first' },
    ),
  ),
})
export type Release = Static<typeof Release>

/** The `metadata` part of a publish. */
export const NewRelease = Type.Object(
  {
    platform: PlatformName,
    version: NewReleaseVersion,
    versionCode: Type.Optional(VersionCode),
    content: Type.Optional({ ...NewReleaseContent, description: 'Absent: an archive that comes along' }),
    channel: Type.Optional({ ...ChannelName, default: DEFAULT_CHANNEL }),
    mandatory: Type.Optional(Type.Boolean({ default: false })),
    mandatoryBelow: Type.Optional(MandatoryBelow),
    percentage: Type.Optional({ ...Percentage, description: '100 when neither this nor a plan is given' }),
    plan: Type.Optional(RolloutPlan),
    startsAt: Type.Optional(Timestamp),
    paused: Type.Optional(Paused),
    devices: Type.Optional(ForcedDevices),
    cohorts: Type.Optional(CohortNames),
    rules: Type.Optional(AttributeRules),
    guard: Type.Optional(GuardChoice),
    labelNumber: Type.Optional(LabelNumber),
    notes: Type.Optional(Type.String({ maxLength: MAX_NOTES_LENGTH })),
    ...requirement,
  },
  { additionalProperties: false },
)
export type NewRelease = Static<typeof NewRelease>

/** Signatures that come with a publish; all absent for an unsigned one. */
export interface ReleaseSignatures {
  /** Signing §5: base64 Ed25519 over the bundle's SHA-256 digest; of an archive only. */
  signature?: string
  /** Signing §2: base64 of the exact bytes that were signed. */
  statement: string
  statementSignature: string
  /** The release before, stated again under a sequence above this one's: where the guard may go back to. */
  rollbackStatement?: string
  rollbackStatementSignature?: string
  /** The one before that, or embedded when there is none, stated again under the sequence after. */
  earlierRollbackStatement?: string
  earlierRollbackStatementSignature?: string
  /** The key that signed, so that an app's first signed release can register it. */
  publicKey: string
}

/** A publish is a release and its first rollout on a channel. */
export const PublishedRelease = Type.Object({
  releaseId: Id,
  rolloutId: Id,
  version: ReleaseVersion,
  platform: PlatformName,
  channel: Type.String(),
  sequence: Type.Integer(),
  percentage: Percentage,
  mandatory: Type.Boolean(),
  paused: Type.Optional(Type.Boolean({ description: 'Whether nobody gets it yet; absent where it was not asked for' })),
  content: ReleaseContent,
  keyRegistered: Type.Boolean({ description: "Whether this release registered the app's first signing key" }),
  existing: Type.Boolean({
    description: 'Whether the same was published before, on another channel: that release was placed on this one, too',
  }),
})
export type PublishedRelease = Static<typeof PublishedRelease>
export type PublishedArchive = OfArchive<PublishedRelease>

/** One thing that was looked at before a publish, and is not as it should be. */
export const ReleaseFinding = Type.Object({
  check: Type.String({ description: 'What was looked at, such as "channel" or "version"' }),
  severity: OneOf(['error', 'warning'], { description: 'An error: the publish would be refused' }),
  expected: Type.String(),
  found: Type.String(),
  advice: Type.String({ description: 'What to do about it' }),
  acceptedBy: Type.Optional(
    Type.String({ description: 'Of an error that may be meant: the word of `content.accept` by which it is taken' }),
  ),
})
export interface ReleaseFinding {
  check: string
  severity: 'error' | 'warning'
  expected: string
  found: string
  advice: string
  acceptedBy?: string
}

/** A publish that is not made yet: what is known of it. Readable where a publish would be refused, to say all at once. */
export const ReleaseCheck = Type.Object(
  {
    ...NewRelease.properties,
    version: Type.String({ maxLength: 200 }),
    notes: Type.Optional(Type.String({ maxLength: 500_000 })),
    channel: Type.Optional(Type.String({ maxLength: 200, default: DEFAULT_CHANNEL })),
    fileCount: Type.Optional(Type.Integer({ minimum: 0 })),
    unpackedBytes: Type.Optional(Type.Integer({ minimum: 0 })),
    publicKey: Type.Optional(Nullable(PublicKey)),
    applications: Type.Optional(
      Type.Array(ReadApplication, {
        maxItems: MAX_ARTIFACTS,
        description:
          "What was read of a binary's files, to be told what would speak against them. Not kept, and not believed of files that are here",
      }),
    ),
  },
  { additionalProperties: false, description: 'publicKey: of the key that will sign; null: it will not be signed' },
)
export type ReleaseCheck = Static<typeof ReleaseCheck>

/** Everything that the server would say to a publish, before anything is built, signed or sent. */
export const ReleasePreflight = Type.Object({
  findings: Type.Array(ReleaseFinding),
  nextSequence: Nullable(Type.Integer()),
  limits: Type.Object({ maxBytes: Type.Integer(), maxUnpackedBytes: Type.Integer(), maxFiles: Type.Integer() }),
  isUploaded: Type.Boolean({ description: 'Whether all bytes that `content` names are on the server already' }),
  existing: Nullable(
    Type.Object({
      releaseId: Id,
      channels: Type.Array(Type.String(), { description: 'Those that ever had it, from the first on' }),
      published: Nullable({
        ...PublishedRelease,
        description: 'What the publish on this channel was answered; null when there was none',
      }),
      requirement: ReleaseRequirement,
      createdAt: Timestamp,
      createdBy: Type.String(),
      isArchived: Type.Boolean(),
    }),
  ),
  inForce: Type.Array(
    Type.Object({ rolloutId: Id, version: Nullable(Type.String()), state: Type.String(), percentage: Percentage }),
    { description: 'What the channel has now that the new rollout would come on top of, newest first; null: embedded' },
  ),
  native: Type.Object(
    {
      devices: Type.Integer(),
      telling: Type.Integer({ description: 'Those that tell their native version with every check' }),
      newest: Nullable(Type.String()),
    },
    { description: 'Native versions of the known devices of the platform and channel' },
  ),
})
export type ReleasePreflight = Static<typeof ReleasePreflight>

export const ReleaseFilter = Type.Object({
  platform: Type.Optional(PlatformName),
  channel: Type.Optional(ChannelName),
  inForceOn: Type.Optional({ ...ChannelName, description: 'Where a rollout of it is active or paused' }),
  version: Type.Optional(ReleaseVersion),
  search: Type.Optional(Type.String({ maxLength: 50, description: 'A part of the version, whatever its case' })),
  kind: Type.Optional(OneOf(CONTENT_KINDS, { description: 'Of its content' })),
  active: Type.Optional(Type.Boolean({ description: 'Whether a rollout of it is active or paused' })),
  archived: Type.Optional(Type.Boolean({ default: false })),
})
export type ReleaseFilter = Static<typeof ReleaseFilter>

/**
 * Where the guard of a release that is published now would go back to, and where from there; null: to what the binary
 * shipped with.
 */
export const NextGuardTarget = Type.Object({ release: Nullable(Release), earlier: Nullable(Release) })
export type NextGuardTarget = Static<typeof NextGuardTarget>
