import { Type, type Static } from 'typebox'
import { DeviceId } from './devices.ts'
import { Id, Nullable, Percentage, PlatformName, Timestamp } from './shared-schemas.ts'

export const COHORT_LIMITS = {
  cohorts: 100,
  devicesOfCohort: 200_000,
  /** In all cohorts of an app: servers have them in memory. */
  devicesOfApp: 1_000_000,
  csvBytes: 16 * 1024 * 1024,
}

export const CohortName = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$',
  description: 'Letters, digits, ".", "_" and "-"; at most 100 characters',
})

/** A list of devices with a name, which rollouts can be for. */
export const Cohort = Type.Object({
  id: Id,
  name: CohortName,
  description: Type.String(),
  deviceCount: Type.Integer(),
  createdAt: Timestamp,
  createdBy: Type.String(),
  updatedAt: Timestamp,
})
export type Cohort = Static<typeof Cohort>

// How long each is, the server looks at in slices: counting the characters of all at once would hold checks up.
const DeviceIds = Type.Array(Type.String({ description: '1 to 200 characters' }), {
  maxItems: COHORT_LIMITS.devicesOfCohort,
})

export const NewCohort = Type.Object(
  {
    name: CohortName,
    description: Type.Optional(Type.String({ maxLength: 500 })),
    devices: Type.Optional(DeviceIds),
  },
  { additionalProperties: false },
)
export type NewCohort = Static<typeof NewCohort>

/** Devices to take in and to leave out; one that is in both is left out. */
export const CohortChanges = Type.Object(
  { add: Type.Optional(DeviceIds), remove: Type.Optional(DeviceIds) },
  { additionalProperties: false, minProperties: 1 },
)
export type CohortChanges = Static<typeof CohortChanges>

/** The whole list anew. */
export const CohortDevices = Type.Object({ devices: DeviceIds }, { additionalProperties: false })
export type CohortDevices = Static<typeof CohortDevices>

export const CohortDevice = Type.Object({ deviceId: DeviceId })
export type CohortDevice = Static<typeof CohortDevice>

/** A rollout that names a cohort, and has not ended: the cohort cannot be deleted while there is one. */
export const CohortRollout = Type.Object({
  rolloutId: Id,
  platform: PlatformName,
  channel: Type.String(),
  version: Nullable(Type.String({ description: 'Null: what the binary shipped with' })),
  state: Type.Union([Type.Literal('active'), Type.Literal('paused')]),
  percentage: Percentage,
})
export type CohortRollout = Static<typeof CohortRollout>
