import type { SdkCode } from '@hotpatch/protocol'
import type { Report } from './report.ts'
import type { UpdateState } from './states.ts'
import type { UpdateError } from './update-error.ts'

/** What an engine tells those who subscribe to it. */
export type EngineEvent =
  | { type: 'state'; state: UpdateState; releaseId: string | null }
  | { type: 'progress'; receivedBytes: number; sizeBytes: number; releaseId: string }
  | { type: 'failed'; code: SdkCode; error: UpdateError; releaseId: string | null }
  /** The server will never take it: it is not told again. */
  | { type: 'report-dropped'; report: Report; reason: string }
