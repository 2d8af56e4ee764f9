import { Type, type Static } from 'typebox'
import { PublicKey } from './apps.ts'
import { AttributeRules, CohortNames, ForcedDevices } from './audience.ts'
import { ReleaseVersion } from './releases.ts'
import { ChannelName, Id, Nullable, OneOf, Percentage, PlatformName } from './shared-schemas.ts'

const signedBy = Type.Optional({
  ...PublicKey,
  description: 'The key that would state old content again, under the next sequence',
})
const wantedAudience = {
  percentage: Type.Optional({ ...Percentage, description: '100 when absent' }),
  devices: Type.Optional(ForcedDevices),
  cohorts: Type.Optional(CohortNames),
  rules: Type.Optional(AttributeRules),
}

export const ROLLOUT_MOVES = ['pause', 'resume', 'halt', 'withdraw'] as const

/** A change that nobody has made yet. */
export const ImpactQuestion = Type.Union([
  Type.Object({ change: OneOf(ROLLOUT_MOVES), rolloutId: Id, signedBy }, { additionalProperties: false }),
  Type.Object(
    {
      change: Type.Literal('roll-back'),
      platform: PlatformName,
      channel: ChannelName,
      to: Type.Union([
        Type.Object({ version: ReleaseVersion }, { additionalProperties: false }),
        Type.Object({ releaseId: Id }, { additionalProperties: false }),
        Type.Literal('embedded'),
      ]),
      ...wantedAudience,
      signedBy,
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      change: Type.Literal('change-audience'),
      rolloutId: Id,
      percentage: Type.Optional(Percentage),
      devices: Type.Optional(ForcedDevices),
      cohorts: Type.Optional(CohortNames),
      rules: Type.Optional(AttributeRules),
    },
    { additionalProperties: false, description: 'What is not named stays as it is' },
  ),
  Type.Object({ change: Type.Literal('step-back'), rolloutId: Id }, { additionalProperties: false }),
  Type.Object(
    { change: Type.Literal('finish-experiment'), experimentId: Id, winner: Nullable(Type.String({ maxLength: 40 })) },
    { additionalProperties: false },
  ),
  Type.Object(
    { change: Type.Literal('promote'), releaseId: Id, channel: ChannelName, ...wantedAudience, signedBy },
    { additionalProperties: false },
  ),
  Type.Object({ change: Type.Literal('add-key'), publicKey: PublicKey }, { additionalProperties: false }),
  Type.Object({ change: Type.Literal('revoke-key'), keyId: Id }, { additionalProperties: false }),
])
export type ImpactQuestion = Static<typeof ImpactQuestion>

const Count = Type.Integer({ minimum: 0 })
const Version = Nullable(Type.String({ description: 'Null: what the binary shipped with' }))

/** Old content, stated again by its publisher under the next sequence and placed on top. */
export const WayOut = Type.Object({
  releaseId: Nullable(Type.String({ description: 'Null: what the binary shipped with' })),
  version: Version,
  percentage: Percentage,
  sequence: Type.Integer({ description: 'The next one: what it would be signed under' }),
  stranded: Type.Integer({ description: 'Of stranded and dropped: devices that it would not reach' }),
})
export type WayOut = Static<typeof WayOut>

/** What a change would do to the devices that the server knows. */
export const Impact = Type.Object({
  devices: Type.Integer({ description: 'Known where the change is, and not given up as uninstalled' }),
  judged: Type.Integer({ description: 'Devices that were looked at' }),
  isExact: Type.Boolean({ description: 'False: a sample, or a percentage whose devices are drawn when it is made' }),
  changed: Type.Integer({ description: 'Would end on another release than without the change' }),
  goBack: Type.Integer({
    description: 'Of these, how many would go to an older release than they run, or to embedded',
  }),
  moves: Type.Array(Type.Object({ from: Version, to: Version, devices: Count }), {
    description: 'Where they would end without the change, and with it; most first, at most 20',
  }),
  cannotTake: Type.Array(Type.Object({ reason: Type.String(), explanation: Type.String(), devices: Count }), {
    description: 'Devices that would refuse what is for them, most first',
  }),
  stranded: Type.Integer({
    description: 'Would be left on what was taken back from everybody, and could take nothing that is in force',
  }),
  strandedNow: Type.Integer({ description: 'Are left so already' }),
  dropped: Type.Integer({
    description:
      'Would fall back to what the binary shipped with, because they would refuse what is in force for them: the way out reaches them, too',
  }),
  untold: Type.Integer({ description: 'Never told which keys and sequences they take' }),
  wayOut: Nullable(WayOut),
})
export type Impact = Static<typeof Impact>
