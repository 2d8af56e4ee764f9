import { SDK_CODES, type SdkCode } from '@hotpatch/protocol'
import { messageOf } from '@hotpatch/device-ground'

export interface AppUpdateErrorDetails extends ErrorOptions {
  /** Of an HTTP answer. */
  status?: number | undefined
  retryAfterMs?: number | undefined
}

/** Why there is no update, or none yet: codes as in every SDK, and a message for whoever reads the log. */
export class AppUpdateError extends Error {
  override name = 'AppUpdateError'
  readonly code: SdkCode
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined

  constructor(code: SdkCode, message: string, details: AppUpdateErrorDetails = {}) {
    super(message, details)
    this.code = code
    this.status = details.status
    this.retryAfterMs = details.retryAfterMs
  }

  get isRetryable(): boolean {
    return SDK_CODES[this.code].isRetryable
  }
}

/** What ports reject with becomes one of ours: a full disk, or a disk that does not do as it should. */
export function asAppUpdateError(cause: unknown): AppUpdateError {
  if (cause instanceof AppUpdateError) return cause
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') return new AppUpdateError('storage-full', 'the disk is full', { cause })
  return new AppUpdateError('storage-failed', messageOf(cause), { cause })
}

/** App versions §5: whether asking again can help. */
export function mayHelp(status: number): boolean {
  return status === 408 || status === 429 || status >= 500
}
