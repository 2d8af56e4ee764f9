import type { SdkCode } from '@hotpatch/protocol'
import type { AppUpdate, NoneReason } from '../contract/read-answer.ts'

export interface Failure {
  code: SdkCode
  message: string
  isRetryable: boolean
}

export type UpdaterState =
  /** Nobody asked yet. */
  | { kind: 'idle' }
  | { kind: 'checking' }
  | { kind: 'none'; reason: NoneReason; message: string }
  /** The server could not be asked, or its answer not read. */
  | ({ kind: 'check-failed' } & Failure)
  /** Postponed: the user said "later", which lasts until the next start, or another version. */
  | { kind: 'available'; update: AppUpdate; isPostponed: boolean }
  | { kind: 'downloading'; update: AppUpdate; receivedBytes: number }
  | { kind: 'ready'; update: AppUpdate; isPostponed: boolean }
  | { kind: 'handing-over'; update: AppUpdate }
  /** The installer of the system has it. */
  | { kind: 'handed-over'; update: AppUpdate }
  | ({ kind: 'failed'; update: AppUpdate } & Failure)
