import {
  DEVICE_ATTRIBUTE_NAMES,
  DEVICE_EVENT_KINDS,
  DOWNLOAD_ARRIVALS,
  type CustomAttribute,
  type DeviceAttribute,
} from '@hotpatch/protocol'
import { Type, type Static, type TString } from 'typebox'
import { ChannelName, EventsNotKept, Id, Nullable, OneOf, pageOf, PlatformName, Timestamp } from './shared-schemas.ts'

/** Either the id that the device tells, or the one that the server shows. */
export const DeviceId = Type.String({ minLength: 1, maxLength: 200 })

/** What decides whether a device takes a signed release (Decision §13). */
export const DeviceTrust = Type.Object({
  highWater: Type.Integer({ description: 'The highest sequence that proved itself on it: it refuses lower ones' }),
  floor: Type.Integer({ description: 'It takes nothing below, nor embedded without a signature; 0 is none' }),
  keyIds: Type.Array(Type.String(), {
    description: 'Ids of the keys that its binary holds; without any it checks none',
  }),
  heldReleaseId: Nullable(
    Type.String({ description: 'The release that it can go back to, although its sequence is lower' }),
  ),
  builtAt: Nullable(
    Type.String({
      format: 'date-time',
      description: 'When its binary was built: it takes nothing older that requires nothing of a binary',
    }),
  ),
})
export type DeviceTrust = Static<typeof DeviceTrust>

/** What it told of itself besides its versions, such as `osVersion`, `model` and `locale`, and `custom.…` by its app. */
export const DeviceAttributes = Type.Unsafe<Partial<Record<DeviceAttribute, string>> & Record<CustomAttribute, string>>(
  Type.Object(Object.fromEntries(DEVICE_ATTRIBUTE_NAMES.map((name) => [name, Type.Optional(Type.String())])), {
    additionalProperties: Type.String(),
  }),
)

/** An installation, as it last showed itself. What it did not tell is null. */
export const Device = Type.Object({
  id: Type.String({ description: 'Of an app with hashed device ids, the hash: "h_" and 22 characters' }),
  appId: Id,
  platform: PlatformName,
  channel: Type.String(),
  nativeVersion: Nullable(Type.String()),
  runtimeVersion: Nullable(Type.String()),
  attributes: DeviceAttributes,
  dialect: Nullable(Type.String({ description: 'The client protocol that it speaks' })),
  currentReleaseId: Nullable(Type.String()),
  currentVersion: Nullable(Type.String()),
  rolloutId: Nullable(Type.String({ description: 'The rollout that it was last offered, or got what it runs from' })),
  progress: Type.Array(Type.String(), {
    description:
      'How far it came with that rollout: offered, download-started, downloaded, applied, confirmed, running …',
  }),
  failedReleaseIds: Type.Array(Type.String()),
  cohorts: Type.Array(Type.String(), { description: 'That it says it is in, whether the app lets it or not' }),
  lastDecision: Nullable(Type.String()),
  lastReason: Nullable(Type.String()),
  lastCheckAt: Nullable(Timestamp),
  firstSeenAt: Timestamp,
  lastSeenAt: Timestamp,
  goneAt: Nullable(Type.String({ format: 'date-time', description: 'Since when it counts as uninstalled' })),
  trust: Nullable(DeviceTrust),
})
export type Device = Static<typeof Device>

const ComponentOfEvent = Type.Optional(
  Type.String({ description: 'Of a kit, the component that it is about; absent: all of it' }),
)

/** What a device reported. */
export const DeviceEvent = Type.Object({
  id: Type.String(),
  kind: OneOf(DEVICE_EVENT_KINDS),
  releaseId: Nullable(Type.String()),
  version: Nullable(Type.String()),
  code: Nullable(Type.String()),
  detail: Nullable(Type.String()),
  component: ComponentOfEvent,
  occurredAt: Timestamp,
  receivedAt: Timestamp,
})
export type DeviceEvent = Static<typeof DeviceEvent>

/** One device with the newest of what it reported; the timeline has it all. */
export const DeviceWithEvents = Type.Object({
  ...Device.properties,
  events: Type.Array(DeviceEvent),
  eventsNotKept: EventsNotKept,
})
export type DeviceWithEvents = Static<typeof DeviceWithEvents>

/** What happened to a device: what it reported, what the server concluded, and its last check. */
export const TimelineEntry = Type.Object({
  id: Type.String(),
  kind: OneOf(DEVICE_EVENT_KINDS),
  occurredAt: Timestamp,
  receivedAt: Timestamp,
  rollout: Nullable(Type.Object({ id: Type.String(), channel: Type.String(), position: Type.Integer() })),
  releaseId: Nullable(Type.String()),
  version: Nullable(Type.String()),
  code: Nullable(Type.String()),
  detail: Nullable(Type.String()),
  component: ComponentOfEvent,
  receivedBytes: Nullable(Type.Integer()),
  arrival: Nullable(
    OneOf(DOWNLOAD_ARRIVALS, {
      description: 'Of a download, where the device told: whole, as a patch of what it ran, or packed',
    }),
  ),
  decision: Nullable(Type.String({ description: 'Of the last check' })),
  reason: Nullable(Type.String({ description: 'Of the last check' })),
})
export type TimelineEntry = Static<typeof TimelineEntry>

/** Of one device; `eventsNotKept` are those of all of the app's devices in the time of the page, and may be its own. */
export const TimelinePage = Type.Object({ ...pageOf(TimelineEntry).properties, eventsNotKept: EventsNotKept })
export type TimelinePage = Static<typeof TimelinePage>

const Told = Type.String({ minLength: 1, maxLength: 200 })

const AttributeFilters = Type.Partial(
  Type.Object(
    Object.fromEntries(DEVICE_ATTRIBUTE_NAMES.map((name) => [name, Told])) as Record<DeviceAttribute, TString>,
  ),
)

/** All that are given must hold; texts are compared as they are. */
export const DeviceFilter = Type.Object({
  search: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'The beginning of the id that the server shows, or the whole id that the device tells',
    }),
  ),
  platform: Type.Optional(PlatformName),
  channel: Type.Optional(ChannelName),
  releaseId: Type.Optional(Id),
  version: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'What it runs, or "embedded"' })),
  nativeVersion: Type.Optional(Told),
  ...AttributeFilters.properties,
  decision: Type.Optional(Told),
  reason: Type.Optional(Told),
  seenSince: Type.Optional(Timestamp),
  seenBefore: Type.Optional(Timestamp),
  isGone: Type.Optional(Type.Boolean()),
  hasFailed: Type.Optional(Type.String({ format: 'uuid', description: 'A release that failed on it' })),
  hasFailures: Type.Optional(Type.Boolean({ description: 'Whether any release failed on it' })),
})
export type DeviceFilter = Static<typeof DeviceFilter>

/** For a device that the fleet does not know yet: what its check would say. */
export const ExplainQuery = Type.Object({
  platform: Type.Optional(PlatformName),
  channel: Type.Optional(ChannelName),
  nativeVersion: Type.Optional(Type.String({ maxLength: 64 })),
  runtimeVersion: Type.Optional(Type.String({ maxLength: 128 })),
  release: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'A release, by id or version, that the device should get',
    }),
  ),
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
    cohorts: Type.Array(Type.String()),
    attributes: DeviceAttributes,
    lastSeenAt: Nullable(Timestamp),
    trust: Nullable(DeviceTrust),
  }),
  lastSaid: Nullable(
    Type.Object(
      {
        lastCheckAt: Nullable(Timestamp),
        decision: Nullable(Type.String()),
        reason: Nullable(Type.String()),
        explanation: Nullable(Type.String()),
        events: Type.Array(DeviceEvent, { description: 'The newest few, newest first' }),
      },
      { description: 'What the device last said and was told; null when it never showed itself' },
    ),
  ),
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
    waysOut: Type.Array(Type.String(), {
      description: 'Of what the device would refuse: what to do so that it takes it, a sentence each',
    }),
    releaseId: Nullable(Type.String()),
    version: Nullable(Type.String()),
    mandatory: Type.Boolean(),
    direction: Nullable(Type.Union([Type.Literal('forward'), Type.Literal('back')])),
    minNativeVersion: Nullable(Type.String()),
  }),
  notices: Type.Array(
    Type.Object({
      kind: Type.Union([
        Type.Literal('cohort-claim-ignored'),
        Type.Literal('patch-there'),
        Type.Literal('older-than-embedded'),
        Type.Literal('certificate-expired'),
        Type.Literal('off-the-edge'),
      ]),
      explanation: Type.String(),
    }),
    {
      description:
        'What else is to be known of the answer, such as what the device says that the app does not take its word for',
    },
  ),
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
  towards: Nullable(
    Type.Object(
      {
        releaseId: Id,
        version: Type.String(),
        rolloutId: Nullable(Id),
        changes: Type.Array(Type.String(), { description: 'To be done all; none when it gets the release already' }),
      },
      { description: 'What would have to be otherwise for the release that was asked for' },
    ),
  ),
})
export type Explanation = Static<typeof Explanation>
