import type { NativeUpdate } from '@hotpatch/client'
import type { SdkCode } from '@hotpatch/protocol'

/** Something that this device can be given. */
export interface AvailableUpdate {
  /** Null: back to what the app shipped with. */
  id: string | null
  version: string
  isMandatory: boolean
  notes: string
  /** What will come over the network, as far as the server knows; it may be less. */
  expectedBytes: number | null
}

export interface Failure {
  code: SdkCode
  message: string
  /** Whether the same may be tried again later. */
  isRetryable: boolean
  /** The server asked for this much patience. */
  retryAfterMs: number | null
}

/** What is shown: the engine's own state is the one that counts. */
export type ManagerState =
  /** Nobody asked yet. */
  | { kind: 'idle' }
  | { kind: 'checking' }
  | { kind: 'up-to-date'; reason: string; nativeUpdate: NativeUpdate | null }
  /** The server could not be asked, or what it offers is refused. */
  | ({ kind: 'check-failed' } & Failure)
  /** Postponed: the user said "later", which lasts until the next start, or another update. */
  | { kind: 'available'; update: AvailableUpdate; isPostponed: boolean }
  /** Of what has to be fetched; 0 of 0 until that is known. */
  | { kind: 'downloading'; update: AvailableUpdate; receivedBytes: number; totalBytes: number }
  /** It runs from the next start on. */
  | { kind: 'ready'; update: AvailableUpdate; isPostponed: boolean }
  | ({ kind: 'failed'; update: AvailableUpdate } & Failure)

export interface DownloadProgress {
  receivedBytes: number
  totalBytes: number
}
