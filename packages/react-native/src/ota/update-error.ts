import type { SdkCode } from '@hotpatch/protocol'
import type { NativeFailure } from '../native/messages.ts'

/** Why an update was not taken. `code` is the same in every SDK. */
export class UpdateError extends Error {
  override name = 'UpdateError'
  readonly code: SdkCode
  /** Whether the same release may be tried again later. */
  readonly isRetryable: boolean
  /** What the server answered with, where that is the reason. */
  readonly status: number | null
  /** The server asked for this much patience. */
  readonly retryAfterMs: number | null

  constructor({ code, message, isRetryable, status, retryAfterMs }: NativeFailure) {
    super(message)
    this.code = code
    this.isRetryable = isRetryable
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

/** A mistake of the app's own: nothing that a later try mends. */
export class ConfigurationError extends Error {
  override name = 'ConfigurationError'
  readonly code: 'config-invalid' | 'not-configured'

  constructor(code: 'config-invalid' | 'not-configured', message: string, options?: { cause: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** What a native promise rejected with. */
export function asConfigurationError(cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code !== 'config-invalid' && code !== 'not-configured') return cause
  return new ConfigurationError(code, (cause as Error).message, { cause })
}
