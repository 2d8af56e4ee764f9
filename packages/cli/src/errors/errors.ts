/** The command line is wrong: exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** The command cannot do what was asked, for a reason that the user can mend: exit code 1. */
export class CommandError extends Error {
  override name = 'CommandError'
  /** Short name for `--json`, such as "key-missing". */
  readonly type: string
  /** Further facts for `--json`. */
  readonly details: Record<string, unknown> | undefined

  constructor(type: string, message: string, options?: ErrorOptions & { details?: Record<string, unknown> }) {
    super(message, options)
    this.type = type
    this.details = options?.details
  }
}

/** A command that is done, and answers by its exit code, too: whatever there is to say was printed. */
export class Verdict extends Error {
  override name = 'Verdict'
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`)
    this.exitCode = exitCode
  }
}

/** What really happened, below errors that say little: fetch has several when a name has several addresses. */
export function rootCauses(error: unknown): unknown[] {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.flatMap(rootCauses)
  const cause = (error as { cause?: unknown } | undefined)?.cause
  return cause === undefined || cause === null ? [error] : rootCauses(cause)
}

/** In words, each once. */
export function rootReason(error: unknown): string {
  return [...new Set(rootCauses(error).map(systemReason))].join('; ')
}

/** What the operating system said, such as "EACCES: permission denied". */
export function systemReason(error: unknown): string {
  const { code, message, reason } = error as { code?: unknown; message?: string; reason?: unknown }
  // OpenSSL's own message is mostly about where in OpenSSL it was.
  const said = typeof reason === 'string' ? reason : message
  const text = said?.split(', ')[0] ?? String(error)
  // A DOMException, such as a timeout, has a number there that says nothing.
  return typeof code === 'string' && !text.includes(code) ? `${code}: ${text}` : text
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | undefined)?.code ?? '')
}
