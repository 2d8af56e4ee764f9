import { messageOf } from '@hotpatch/device-ground'
import { SDK_CODES, type SdkCode } from '@hotpatch/protocol'

export interface UpdateErrorDetails {
  cause?: unknown
  status?: number
  retryAfterMs?: number | undefined
}

/** Why an update was not taken. `code` is the same in every SDK; the cause is kept. */
export class UpdateError extends Error {
  override name = 'UpdateError'
  readonly code: SdkCode
  /** What the server answered with, where that is the reason. */
  readonly status: number | undefined
  /** The server asked for this much patience. */
  readonly retryAfterMs: number | undefined

  constructor(code: SdkCode, message: string, details: UpdateErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : {})
    this.code = code
    this.status = details.status
    this.retryAfterMs = details.retryAfterMs
  }

  /** Whether the same release may be tried again later. */
  get isRetryable(): boolean {
    return SDK_CODES[this.code].isRetryable
  }
}

/** The server understood and said no: asking again at once gives the same. */
export function isFinalStatus(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429
}

const FULL = new Set<unknown>(['ENOSPC', 'EDQUOT'])

/** Anything that is not an UpdateError yet came from the files port. */
export function asUpdateError(error: unknown): UpdateError {
  if (error instanceof UpdateError) return error
  const isFull = error instanceof Error && 'code' in error && FULL.has(error.code)
  return isFull
    ? new UpdateError('storage-full', 'the disk is full', { cause: error })
    : new UpdateError('storage-failed', `a file operation failed: ${messageOf(error)}`, { cause: error })
}
