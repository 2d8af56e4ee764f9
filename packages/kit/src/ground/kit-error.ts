import type { KitCode } from '@hotpatch/protocol'

export { KIT_CODES, type KitCode } from '@hotpatch/protocol'

/** Its message says what was expected, what was found, and what to do. */
export class KitError extends Error {
  override name = 'KitError'
  readonly code: KitCode
  /** Of which component, where it is one's. */
  readonly component: string | undefined

  constructor(code: KitCode, message: string, options: { component?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.component = options.component
  }
}
