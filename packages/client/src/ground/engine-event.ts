import type { DownloadArrival, SdkCode } from '@hotpatch/protocol'
import type { PatchErrorCode } from '@hotpatch/delta'
import type { Report } from './report.ts'
import type { UpdateState } from './states.ts'
import type { UpdateError } from './update-error.ts'

export type PatchReason = PatchErrorCode | SdkCode

/** What an engine tells those who subscribe to it. */
export type EngineEvent =
  | { type: 'state'; state: UpdateState; releaseId: string | null }
  | { type: 'progress'; receivedBytes: number; sizeBytes: number; releaseId: string }
  | { type: 'failed'; code: SdkCode; error: UpdateError; releaseId: string | null }
  /** What an edge said was not believed, or it was not reached: the server is asked. */
  | { type: 'edge-refused'; code: SdkCode; error: UpdateError }
  /** A release is whole on this device; `sizeBytes` is what its own bytes are, however it came. */
  | { type: 'downloaded'; arrival: DownloadArrival; receivedBytes: number; sizeBytes: number; releaseId: string }
  /** A patch is not taken: the whole bundle is. `reason` is the patch's own code (Patches §7), or the download's. */
  | { type: 'patch-failed'; reason: PatchReason; error: Error; releaseId: string }
  /** The server will never take it: it is not told again. */
  | { type: 'report-dropped'; report: Report; reason: string }
