import { Type, type Static } from 'typebox'

/** Whom guards and plans believe: docs/decisions/0010-whom-a-guard-believes.md. */
export const TrustSettings = Type.Object({
  observedMinutes: Type.Integer({
    minimum: 0,
    maximum: 10_080,
    description:
      'A device that first checks after a rollout began counts when it checks again so many minutes after its first check; 0: at its first check',
  }),
  networkPercent: Type.Number({
    exclusiveMinimum: 0,
    maximum: 100,
    description:
      'The largest part of a sample that one network (IPv4 /24, IPv6 /48) may make up; 100: networks do not matter',
  }),
})
export type TrustSettings = Static<typeof TrustSettings>

export const DEFAULT_TRUST: TrustSettings = { observedMinutes: 30, networkPercent: 1 }

/** What differs from the defaults. */
export const TrustDifferences = Type.Partial(TrustSettings, { additionalProperties: false })
export type TrustDifferences = Static<typeof TrustDifferences>

/** Whether a device is in the cohorts that it says it is in; those that it was put into count anyway. */
export const DeviceCohorts = Type.Union([Type.Literal('ignored'), Type.Literal('allowed')])
export type DeviceCohorts = Static<typeof DeviceCohorts>

/**
 * Whether installations get a credential when they register (React Native §4). `optional`: whoever has one is believed
 * with it only. `required`: nobody is believed without.
 */
export const DeviceCredentials = Type.Union([Type.Literal('off'), Type.Literal('optional'), Type.Literal('required')])
export type DeviceCredentials = Static<typeof DeviceCredentials>

/** Devices that say they attempted a release, and decide nothing. */
export const LeftOutDevices = Type.Object({
  devices: Type.Integer({ minimum: 0 }),
  bad: Type.Integer({ minimum: 0, description: 'How many of them failed, rolled back or crashed, as they say' }),
  notOffered: Type.Integer({ minimum: 0, description: 'This server never offered them the rollout' }),
  tooNew: Type.Integer({
    minimum: 0,
    description: 'They first checked after the rollout began, and were not seen for long enough',
  }),
  sameNetwork: Type.Integer({ minimum: 0, description: 'More of one network than its part of the sample' }),
  unprovenReports: Type.Integer({
    minimum: 0,
    description: 'Reports, not devices: without the credential that the app requires',
  }),
})
export type LeftOutDevices = Static<typeof LeftOutDevices>

/** Of the devices that attempted a rollout: whom guards and plans believe, and whom they leave out. */
export const BelievedDevices = Type.Object({
  attempted: Type.Integer({ minimum: 0 }),
  bad: Type.Integer({ minimum: 0 }),
  withoutNetwork: Type.Integer({
    minimum: 0,
    description:
      'How many of them come from an address that names no network: a private one, or a proxy that is not trusted',
  }),
  leftOut: LeftOutDevices,
})
export type BelievedDevices = Static<typeof BelievedDevices>
