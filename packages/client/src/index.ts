export { createEngine, type Engine, type EngineStatus } from './engine.ts'
export type { Launch } from './launch.ts'
export type {
  ClockPort,
  CryptoPort,
  FilesPort,
  FileStat,
  Hasher,
  HostPort,
  HttpExchange,
  HttpPort,
  HttpRequest,
  HttpResponse,
  Ports,
} from './ports.ts'
export type { Report } from './report.ts'
export { DEFAULT_LIMITS, type EngineConfig, type Limits } from './settings.ts'
export { TRANSITIONS, transition, type UpdateEvent, type UpdateState } from './states.ts'
export { UpdateError } from './update-error.ts'
export type { EngineEvent } from './engine-event.ts'
export type { UpdateOutcome } from './update-flow.ts'
