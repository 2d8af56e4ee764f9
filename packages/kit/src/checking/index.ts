export type { CheckOutcome, KnownOutcome, OfferedUpdate, SkipReason } from './check-outcome.ts'
export type { BundledManifest, CheckLogEntry, CheckPorts, KitChecksOptions } from './check-settings.ts'
export {
  createMemoryCheckStore,
  createMemorySession,
  createStorageCheckStore,
  createStorageSession,
  type CheckStore,
  type SessionPort,
  type TextStorage,
} from './check-store.ts'
export type { CheckRecord } from './check-record.ts'
export { CHANNEL_VARIABLE, chooseChannel } from './channel.ts'
export { createKitChecks, type CheckOptions, type KitChecks, type UpdateNotice } from './kit-checks.ts'
export { browserCheckPorts } from './browser/browser-check-ports.ts'
