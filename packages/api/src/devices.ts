import { DEVICE_EVENT_KINDS } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'
import { ChannelName, Id, Nullable, OneOf, PlatformName, Timestamp } from './shared-schemas.ts'

export const DeviceId = Type.String({ minLength: 1, maxLength: 200 })

/** An installation, as it last showed itself. */
export const Device = Type.Object({
  id: DeviceId,
  appId: Id,
  platform: PlatformName,
  channel: Type.String(),
  nativeVersion: Nullable(Type.String()),
  runtimeVersion: Nullable(Type.String()),
  currentReleaseId: Nullable(Type.String()),
  currentVersion: Nullable(Type.String()),
  failedReleaseIds: Type.Array(Type.String()),
  cohorts: Type.Array(Type.String()),
  lastDecision: Nullable(Type.String()),
  lastReason: Nullable(Type.String()),
  firstSeenAt: Timestamp,
  lastSeenAt: Timestamp,
})
export type Device = Static<typeof Device>

/** What a device reported. */
export const DeviceEvent = Type.Object({
  id: Type.String(),
  kind: OneOf(DEVICE_EVENT_KINDS),
  releaseId: Nullable(Type.String()),
  version: Nullable(Type.String()),
  code: Nullable(Type.String()),
  detail: Nullable(Type.String()),
  occurredAt: Timestamp,
  receivedAt: Timestamp,
})
export type DeviceEvent = Static<typeof DeviceEvent>

/** One device with what it reported, newest first. */
export const DeviceWithEvents = Type.Object({ ...Device.properties, events: Type.Array(DeviceEvent) })
export type DeviceWithEvents = Static<typeof DeviceWithEvents>

export const DeviceFilter = Type.Object({
  platform: Type.Optional(PlatformName),
  channel: Type.Optional(ChannelName),
  releaseId: Type.Optional(Id),
})
export type DeviceFilter = Static<typeof DeviceFilter>

/** For a device that the fleet does not know yet: what its check would say. */
export const ExplainQuery = Type.Object({
  platform: Type.Optional(PlatformName),
  channel: Type.Optional(ChannelName),
  nativeVersion: Type.Optional(Type.String({ maxLength: 64 })),
  runtimeVersion: Type.Optional(Type.String({ maxLength: 128 })),
})
export type ExplainQuery = Static<typeof ExplainQuery>

/** What a device would get now, and what every rule says of every rollout. */
export const Explanation = Type.Object({
  device: Type.Object({
    id: DeviceId,
    isKnown: Type.Boolean(),
    platform: PlatformName,
    channel: Type.String(),
    nativeVersion: Nullable(Type.String()),
    runtimeVersion: Nullable(Type.String()),
    currentReleaseId: Nullable(Type.String()),
    currentVersion: Nullable(Type.String()),
    failedReleaseIds: Type.Array(Type.String()),
    lastSeenAt: Nullable(Timestamp),
  }),
  generation: Type.Integer(),
  decision: Type.Object({
    kind: Type.Union([
      Type.Literal('up-to-date'),
      Type.Literal('update'),
      Type.Literal('embedded'),
      Type.Literal('native-update-required'),
    ]),
    reason: Type.String(),
    explanation: Type.String({ description: 'The reason in a sentence' }),
    releaseId: Nullable(Type.String()),
    version: Nullable(Type.String()),
    mandatory: Type.Boolean(),
    direction: Nullable(Type.Union([Type.Literal('forward'), Type.Literal('back')])),
    minNativeVersion: Nullable(Type.String()),
  }),
  rollouts: Type.Array(
    Type.Object({
      rolloutId: Id,
      position: Type.Integer(),
      releaseId: Nullable(Id),
      version: Nullable(Type.String()),
      outcome: Type.Union([Type.Literal('target'), Type.Literal('passed-over'), Type.Literal('not-reached')]),
      verdicts: Type.Array(
        Type.Object({
          rule: Type.String(),
          passed: Type.Boolean(),
          reason: Nullable(Type.String()),
          explanation: Type.String(),
        }),
      ),
    }),
  ),
})
export type Explanation = Static<typeof Explanation>
