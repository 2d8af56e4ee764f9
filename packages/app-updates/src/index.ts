export { checkRequest } from './contract/check-request.ts'
export { PLATFORM_FORMATS } from './contract/formats.ts'
export { readCheckAnswer, type AppUpdate, type CheckOutcome, type NoneReason } from './contract/read-answer.ts'
export { isBelowMinimum, isNewer, type AppVersion } from './contract/versions.ts'
export { AppUpdateError } from './ground/app-update-error.ts'
export type { Host, InstallerPort, PartPort, UpdaterHttpPort, UpdaterResponse, VerifiedFile } from './ground/ports.ts'
export {
  DEFAULT_LIMITS,
  type AppUpdaterOptions,
  type DeviceFacts,
  type Limits,
  type UpdatePlatform,
} from './ground/settings.ts'
export { systemClock } from '@hotpatch/device-ground/system-clock'
export { createAppUpdater, type AppUpdater } from './updater/updater.ts'
export type { Failure, UpdaterState } from './updater/updater-state.ts'
export type {
  AllowInsecure,
  ClockPort,
  Hasher,
  HttpExchange,
  HttpPort,
  HttpRequest,
  HttpResponse,
} from '@hotpatch/device-ground'
