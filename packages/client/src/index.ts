export { createEngineFor, type Engine, type EngineParts, type EngineStatus } from './engine/engine.ts'
export { createEngine } from './engine/react-native-engine.ts'
export { archiveInstaller, openArchive, type OpenArchive } from './archive/archive-installer.ts'
export { staticEdge, type UpdateSource } from './edge/update-source.ts'
export { filesInstaller } from './files/files-installer.ts'
export type { Installer } from './install/installer.ts'
export type { Launch } from './recovery/launch.ts'
export type { EmbeddedFilesPort, HostPort, Ports } from './ground/ports.ts'
export { reactNativeContract } from './server/react-native-contract.ts'
export type { Report } from './ground/report.ts'
export { DEFAULT_LIMITS, type EdgeConfig, type EngineConfig, type Limits } from './ground/settings.ts'
export { TRANSITIONS, transition, type UpdateEvent, type UpdateState } from './ground/states.ts'
export { UpdateError } from './ground/update-error.ts'
export type {
  CheckAnswer,
  EmbeddedOrder,
  NativeUpdate,
  Offer,
  SignedStatement,
  ToldCheck,
  UpdateContract,
} from './server/update-contract.ts'
export type { EngineEvent } from './ground/engine-event.ts'
export type { UpdateOutcome } from './engine/update-flow.ts'
export type {
  ClockPort,
  CryptoPort,
  FileStat,
  FilesPort,
  Hasher,
  HttpExchange,
  HttpPort,
  HttpRequest,
  HttpResponse,
} from '@hotpatch/device-ground'
