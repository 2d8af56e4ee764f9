import {
  AttributeRules,
  BinaryFormat,
  ChannelName,
  CohortNames,
  MAX_NOTES_LENGTH,
  PlatformName,
  type BinaryContentFile,
  type Release,
  type Rollout,
} from '@hotpatch/api'
import { Type, type Static } from 'typebox'

const Nullable = <Schema extends ReturnType<typeof Type.String | typeof Type.Integer>>(schema: Schema) =>
  Type.Union([schema, Type.Null()])

/** App versions §12: what is published. */
export const NewVersion = Type.Object(
  {
    app: Type.Optional(Type.String({ maxLength: 64, description: 'Id or slug, where the address names none' })),
    platform: PlatformName,
    version: Type.String({ description: 'MAJOR.MINOR.PATCH+BUILD' }),
    version_code: Type.Optional(Nullable(Type.Integer({ minimum: 0, maximum: 999_999_999_999_999 }))),
    channel: Type.Optional(ChannelName),
    download_url: Type.Optional(Nullable(Type.String({ maxLength: 2_100 }))),
    file_size: Type.Optional(Nullable(Type.Integer({ minimum: 1 }))),
    checksum: Type.Optional(Nullable(Type.String({ maxLength: 200 }))),
    file_name: Type.Optional(Nullable(Type.String({ maxLength: 150 }))),
    format: Type.Optional(BinaryFormat),
    architecture: Type.Optional(Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,31}$' })),
    release_notes: Type.Optional(Nullable(Type.String({ maxLength: MAX_NOTES_LENGTH }))),
    is_mandatory: Type.Optional(Type.Boolean()),
    min_supported_version: Type.Optional(Nullable(Type.String({ maxLength: 64 }))),
    min_os_version: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    rollout_percentage: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
    publish_at: Type.Optional(Nullable(Type.String({ maxLength: 40, description: 'ISO 8601; absent: at once' }))),
    cohorts: Type.Optional(CohortNames),
    rules: Type.Optional(AttributeRules),
    accept: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 20 })),
  },
  { additionalProperties: false },
)
export type NewVersion = Static<typeof NewVersion>

/** App versions §12: a release on a channel, as the contract has it. */
export const PublishedVersion = Type.Object({
  ok: Type.Literal(true),
  id: Type.String({ description: 'Of the release: deactivate and activate take it' }),
  version: Type.String(),
  version_code: Type.Union([Type.Integer(), Type.Null()]),
  platform: Type.String(),
  channel: Type.String(),
  download_url: Type.String(),
  file_size: Type.Integer(),
  checksum: Type.String(),
  file_name: Type.String(),
  format: Type.String(),
  architecture: Type.String(),
  release_notes: Type.String(),
  is_mandatory: Type.Boolean(),
  min_supported_version: Type.Union([Type.String(), Type.Null()]),
  rollout_percentage: Type.Number(),
  is_active: Type.Boolean(),
  created_at: Type.String(),
  published_at: Type.String(),
})
export type PublishedVersion = Static<typeof PublishedVersion>

/** @param rollout the newest of the release on the channel */
export function describeVersion(release: Release, rollout: Rollout, file: BinaryContentFile): PublishedVersion {
  return {
    ok: true,
    id: release.id,
    version: release.version,
    version_code: release.versionCode,
    platform: release.platform,
    channel: rollout.channel,
    download_url: file.downloadUrl,
    file_size: file.sizeBytes,
    checksum: file.sha256,
    file_name: file.name,
    format: file.format,
    architecture: file.architecture,
    release_notes: release.notes,
    is_mandatory: rollout.mandatory,
    min_supported_version: rollout.mandatoryBelow,
    rollout_percentage: rollout.percentage,
    is_active: rollout.state === 'active',
    created_at: release.createdAt,
    published_at: rollout.startsAt ?? rollout.createdAt,
  }
}
