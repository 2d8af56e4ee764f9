import { thisApp } from './app/this-app.ts'
import { createOta, type Ota } from './ota/ota.ts'
import { createReactParts } from './react/hooks.ts'

/**
 * Updates of this app.
 *
 * @example
 * OTA.configure({
 *   apiUrl: 'https://updates.example.com',
 *   appId: '0198c5f0-0000-7000-8000-000000000001',
 *   appKey: 'hpk_26Xb4uBMRxsCOBswSOovE5G1',
 * })
 * AppRegistry.registerComponent(name, () => App)
 */
export const OTA: Ota = createOta(thisApp())

export const { OtaProvider, useOta, useUpdate, useUpdateProgress, ConfirmWhenRendered, withUpdates } =
  createReactParts(OTA)

export type {
  NativeEvent,
  NativeFailure,
  NativeOutcome,
  NativeStatus,
  ReleaseName,
  UpdateState,
} from './native/messages.ts'
export type { OtaEvent, OtaEventOf } from './ota/events.ts'
export type { OtaOptions } from './ota/options.ts'
export type { Ota, OtaState, Progress } from './ota/ota.ts'
export type { OtaStatus, Unavailable, UpdateOutcome } from './ota/outcome.ts'
export { ConfigurationError, UpdateError } from './ota/update-error.ts'
export type { Update } from './react/hooks.ts'
