import type { HttpRequest } from '@hotpatch/device-ground'
import type { HostPort } from '../../ground/ports.ts'
import type { EngineConfig, Limits } from '../../ground/settings.ts'

/** vectors/README.md, "Scenarios": what an engine is told and asks, and what comes of it, as data. */
export interface ScenarioFile {
  section: string
  comment: string
  device: ScenarioDevice
  bodies: Record<string, ScenarioBody>
  requests: Record<string, ScenarioRequest>
  /** By id: path to the name of a body. */
  releases: Record<string, Record<string, string>>
  prelude: ScenarioStep[]
  cases: ScenarioCase[]
}

export interface ScenarioCase {
  comment: string
  device?: Partial<ScenarioDevice>
  steps: ScenarioStep[]
}

export type ScenarioHost = Omit<HostPort, 'restart'>

export interface ScenarioDevice {
  config: Omit<EngineConfig, 'limits'>
  limits?: Partial<Limits>
  host: ScenarioHost
  embedded?: Record<string, string> | null
  brotli?: boolean
  encryption?: boolean
}

export type ScenarioBody = { json: unknown } | { text: string } | { base64: string } | { zeros: number }

export interface ScenarioRequest {
  method: HttpRequest['method']
  url: string
  headers?: Record<string, string>
  json?: unknown
}

export type ScenarioPiece =
  | { body: string; from?: number; to?: number; each?: number; afterMs?: number }
  | { end: 'reset' | 'silence' | 'endless' }

export interface ScenarioResponse {
  status: number
  headers?: Record<string, string>
  body?: string | ScenarioPiece[]
}

export interface ScenarioExchange {
  atMs: number
  request: string
  /** Null: the connection fails. */
  response: ScenarioResponse | null
}

/** What is done, and with what. */
export type ScenarioAction =
  | { do: 'boot'; inBackground?: boolean }
  | { do: 'confirm' | 'crashed' | 'rollBack' | 'check' | 'download' | 'sync' | 'flushReports' }
  | { do: 'wait'; ms: number }
  | { do: 'setClock'; byMs: number }
  | { do: 'host'; change: Record<string, unknown> }
  | { do: 'embedded'; shipped: Record<string, string> | null }
  | { do: 'config'; change: Partial<EngineConfig> }
  | { do: 'write'; path: string; body: string }
  | { do: 'remove'; path: string }
  | { do: 'fullDisk'; isFull: boolean }
  | { do: 'freeBytes'; bytes: number | null }
  | { do: 'powerCut'; survives: 'nothing' | 'everything' }

/** What can be seen of a step. */
export interface ScenarioObservation {
  result?: boolean
  launch?: unknown
  outcome?: unknown
  states?: string[]
  events?: unknown[]
  restarts?: number
  status?: unknown
  files?: Record<string, unknown>
  json?: Record<string, unknown>
  operations?: readonly string[]
}

export type ScenarioStep = ScenarioAction & ScenarioObservation & { exchanges?: ScenarioExchange[] }
