import {
  Base64,
  ChannelName,
  MAX_NOTES_LENGTH,
  NewReleaseVersion,
  Percentage,
  PublicKey,
  RolloutState,
  Sha256,
  type Release,
  type Rollout,
} from '@hotpatch/api'
import { MAX_LISTED_FILES, problem, PLATFORMS, type Platform } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'

/** Asset updates §7: `all` is what is for any platform. */
export const ContractPlatform = Type.Unsafe<ContractPlatform>({
  type: 'string',
  enum: [...PLATFORMS.filter((each) => each !== 'any'), 'all'],
})
export type ContractPlatform = Exclude<Platform, 'any'> | 'all'

export function toPlatform(platform: ContractPlatform): Platform {
  return platform === 'all' ? 'any' : platform
}

export function fromPlatform(platform: Platform): ContractPlatform {
  return platform === 'any' ? 'all' : platform
}

const strict = { additionalProperties: false }
const Text = Type.String({ minLength: 1, maxLength: 128 })

const ListedAsset = Type.Object(
  {
    path: Type.String({ minLength: 1, maxLength: 1_024 }),
    checksum: Sha256,
    size: Type.Integer({ minimum: 0 }),
    contentType: Type.Optional(Type.String({ maxLength: 160 })),
  },
  strict,
)

/** Asset updates §8: what is published. */
export const NewUpdate = Type.Object(
  {
    projectId: Type.Optional(Type.String({ maxLength: 64, description: 'Id or slug, where the address names none' })),
    version: NewReleaseVersion,
    platform: Type.Optional(ContractPlatform),
    channel: Type.Optional(ChannelName),
    runtimeVersion: Type.Optional(Text),
    nativeRange: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    message: Type.Optional(Type.String({ maxLength: MAX_NOTES_LENGTH, description: 'The same as releaseNotes' })),
    releaseNotes: Type.Optional(Type.String({ maxLength: MAX_NOTES_LENGTH })),
    rolloutPercentage: Type.Optional(Percentage),
    isMandatory: Type.Optional(Type.Boolean()),
    launch: Type.Optional(Type.String({ minLength: 1, maxLength: 1_024, description: 'The file that is run first' })),
    assets: Type.Optional(
      Type.Array(ListedAsset, { minItems: 1, maxItems: MAX_LISTED_FILES, description: 'That were uploaded before' }),
    ),
    list: Type.Optional(Type.Object({ sha256: Sha256, sizeBytes: Type.Integer({ minimum: 1 }) }, strict)),
    statement: Type.Optional(Base64),
    statementSignature: Type.Optional(Base64),
    publicKey: Type.Optional(PublicKey),
  },
  strict,
)
export type NewUpdate = Static<typeof NewUpdate>

/** Asset updates §9. */
export const Update = Type.Object({
  id: Type.String(),
  projectId: Type.String(),
  version: Type.String(),
  platform: ContractPlatform,
  channel: Type.String({ description: 'Where it was published first' }),
  runtimeVersion: Type.Union([Type.String(), Type.Null()]),
  releaseNotes: Type.String(),
  launch: Type.Union([Type.String(), Type.Null()]),
  list: Type.Object({ url: Type.String(), sha256: Type.String(), sizeBytes: Type.Integer() }),
  fileCount: Type.Integer(),
  totalBytes: Type.Integer(),
  isSigned: Type.Boolean(),
  isArchived: Type.Boolean(),
  createdAt: Type.String(),
  createdBy: Type.String(),
})
export type Update = Static<typeof Update>

/** @throws problem release-not-found of what is no release of files */
export function describeUpdate({ content, ...release }: Release): Update {
  if (content.kind !== 'files') throw problem('release-not-found', `There is no update with the id ${release.id}.`)
  const { sha256, sizeBytes, fileCount, totalBytes, launch = null, downloadUrl: url } = content
  return {
    id: release.id,
    projectId: release.appId,
    version: release.version,
    platform: fromPlatform(release.platform),
    channel: release.channel,
    runtimeVersion: release.requirement.runtimeVersion ?? null,
    releaseNotes: release.notes,
    launch,
    list: { url, sha256, sizeBytes },
    fileCount,
    totalBytes,
    isSigned: release.statementSignature !== null,
    isArchived: release.archivedAt !== null,
    createdAt: release.createdAt,
    createdBy: release.createdBy,
  }
}

/** Asset updates §10: a rollout. */
export const Deployment = Type.Object({
  id: Type.String(),
  projectId: Type.String(),
  updateId: Type.Union([Type.String(), Type.Null()], { description: 'Null: what the binary shipped with' }),
  version: Type.Union([Type.String(), Type.Null()]),
  platform: ContractPlatform,
  channel: Type.String(),
  state: RolloutState,
  rolloutPercentage: Percentage,
  isMandatory: Type.Boolean(),
  createdAt: Type.String(),
  createdBy: Type.String(),
  updatedAt: Type.String(),
})
export type Deployment = Static<typeof Deployment>

export function describeDeployment(rollout: Rollout): Deployment {
  return {
    id: rollout.id,
    projectId: rollout.appId,
    updateId: rollout.releaseId,
    version: rollout.version,
    platform: fromPlatform(rollout.platform),
    channel: rollout.channel,
    state: rollout.state,
    rolloutPercentage: rollout.percentage,
    isMandatory: rollout.mandatory,
    createdAt: rollout.createdAt,
    createdBy: rollout.createdBy,
    updatedAt: rollout.updatedAt,
  }
}

export const PublishedUpdate = Type.Object({ update: Update, deployment: Deployment })
export type PublishedUpdate = Static<typeof PublishedUpdate>

/** One page, and where the next begins. */
export function updatesPage<Item extends typeof Update | typeof Deployment>(name: string, item: Item) {
  return Type.Object({
    [name]: Type.Array(item),
    nextCursor: Type.Union([Type.String(), Type.Null()]),
  })
}

const Rate = Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], {
  description: 'Of the devices that tried it; null: none has',
})
const figures = {
  downloads: Type.Integer({ description: 'Devices that told that they had downloaded it' }),
  attempted: Type.Integer(),
  successRate: Rate,
  failureRate: Rate,
  rollbackCount: Type.Integer({ description: 'Devices that rolled it back' }),
}

/** Asset updates §11. */
export const UpdateStats = Type.Object({
  totalDownloads: Type.Integer(),
  successRate: Rate,
  failureRate: Rate,
  activeUsers: Type.Integer({ description: 'Devices of the project that were seen in the last 30 days' }),
  activeToday: Type.Integer(),
  activeThisWeek: Type.Integer(),
  rollbackCount: Type.Integer(),
  updates: Type.Array(
    Type.Object({ id: Type.String(), version: Type.String(), platform: ContractPlatform, ...figures }),
    { description: 'Newest first' },
  ),
})
export type UpdateStats = Static<typeof UpdateStats>
