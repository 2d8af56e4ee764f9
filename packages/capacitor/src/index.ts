export { bundleAddress, joinAddress, MANIFEST_PATH } from './decision/addresses.ts'
export { decideBundle, type BrokenBundle, type BundleDecision, type Situation } from './decision/decide-bundle.ts'
export { readManifest, type BundleManifest } from './decision/manifest.ts'
export {
  RedirectedError,
  type AppStatePort,
  type Host,
  type HttpAnswer,
  type HttpPort,
  type HttpRequest,
  type SessionPort,
  type StoragePort,
  type UpdaterPlugin,
  type VerifyEd25519,
} from './ground/ports.ts'
export { DEFAULT_LIMITS, type HotPatchConnection, type Limits, type UpdaterOptions } from './ground/settings.ts'
export { nativeHttp, type NativeHttp } from './host/native-http.ts'
export { webVerifyEd25519 } from './host/web-crypto.ts'
export { webHost, type AppPlugin, type PreferencesPlugin, type WebHostParts } from './host/web-host.ts'
export { webHttp, type Fetch } from './host/web-http.ts'
export { createBundleUpdater, type BundleUpdater } from './updater/updater.ts'
export type { NothingReason, UpdateOutcome, UpdaterState } from './updater/updater-state.ts'
export { AnswerTooLongError, type AllowInsecure, type ClockPort } from '@hotpatch/device-ground'
