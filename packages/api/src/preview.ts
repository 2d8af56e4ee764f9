import { CONTENT_KINDS, MAX_ARTIFACTS } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'
import { AttributeRules } from './audience.ts'
import { DeviceId } from './devices.ts'
import { ChannelName, Id, OneOf, Percentage, PlatformName } from './shared-schemas.ts'

const Word = Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,63}$' })

/** What a release that is not published yet has for which machines, as far as clients go by that. */
export const PreviewedFile = Type.Object(
  {
    component: Type.Optional({ ...Word, description: 'Of a kit, one that no machine takes it without' }),
    platform: PlatformName,
    architecture: Word,
    format: Type.Optional({ ...Word, description: 'Of a whole app, such as apk' }),
  },
  { additionalProperties: false },
)
export type PreviewedFile = Static<typeof PreviewedFile>

/** A rollout that is not made yet: of a release that exists, or of one with such requirements. */
export const RolloutPreview = Type.Object(
  {
    platform: PlatformName,
    channel: ChannelName,
    releaseId: Type.Optional(Id),
    kind: Type.Optional(
      OneOf(CONTENT_KINDS, {
        description:
          'Of a release that is not published yet: what it consists of, as not every client takes it; an archive when absent',
      }),
    ),
    version: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: 'Of a whole app that is not published yet: without it neither its order nor its files are judged',
      }),
    ),
    files: Type.Optional(
      Type.Array(PreviewedFile, {
        maxItems: MAX_ARTIFACTS,
        description: 'Of a whole app or kit that is not published yet; absent: there is one for every machine',
      }),
    ),
    exportedBy: Type.Optional(
      OneOf(['expo'], {
        description: 'Of files that are not published yet: whose tool made them, for its own clients',
      }),
    ),
    answerKeyIds: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
        maxItems: 20,
        description: 'Of the keys by which answers will be signed, for clients that verify those',
      }),
    ),
    to: Type.Optional(OneOf(['embedded'], { description: 'What the binary shipped with, instead of a release' })),
    minNativeVersion: Type.Optional(Type.String({ maxLength: 64 })),
    nativeRange: Type.Optional(Type.String({ maxLength: 256 })),
    runtimeVersion: Type.Optional(Type.String({ maxLength: 128 })),
    keyId: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f]{16}$',
        description:
          'Of the key that a new release will be signed with, or that states an old one again, under the next sequence; without it a new one is signed by a key that every device holds',
      }),
    ),
    percentage: Type.Optional({ ...Percentage, default: 100 }),
    devices: Type.Optional(Type.Array(DeviceId, { maxItems: 10_000, uniqueItems: true })),
    cohorts: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 100 })),
    rules: Type.Optional(AttributeRules),
  },
  { additionalProperties: false },
)
export type RolloutPreview = Static<typeof RolloutPreview>

/** How many of the known devices a rollout would reach if it were made now. */
export const RolloutReach = Type.Object({
  devices: Type.Integer({ description: 'Known on the channel and platform, and not given up as uninstalled' }),
  reached: Type.Integer({ description: 'Would be offered it at their next check' }),
  alreadyRunning: Type.Integer(),
  missed: Type.Array(Type.Object({ reason: Type.String(), explanation: Type.String(), devices: Type.Integer() }), {
    description: 'Why the others would not get it, most first',
  }),
  judged: Type.Integer({ description: 'Devices that were looked at' }),
  isExact: Type.Boolean({ description: 'False: a sample, or a percentage whose devices are drawn when it is made' }),
})
export type RolloutReach = Static<typeof RolloutReach>
