import { setTimeout } from 'node:timers/promises'
import { PassThrough, type Readable, type Writable } from 'node:stream'

/** A minute or more on many lines. */
export const RESUMABLE_BYTES = 32 * 1024 * 1024

/** Everything that the tool knows of the process around it, so that tests can run it in theirs. */
export interface CliContext {
  /** Variables that are set to nothing are not in it. */
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  stdin: Readable
  /** Results only, so that they can be piped. */
  stdout: Writable
  /** Plans, progress, questions, errors. */
  stderr: Writable
  /** Whether somebody is there to answer a question. */
  isTTY: boolean
  /** The name it was called by: `hotpatch` or `rn-ota`. */
  programName: string
  now: () => Date
  /** Before asking again what could not be answered. */
  pause: (milliseconds: number) => Promise<void>
  /** From this size on an upload goes on where it broke off; what is smaller is soon sent anew. */
  resumableBytes: number
  /** Aborted by Ctrl-C. */
  signal: AbortSignal
}

export type GivenContext = Pick<CliContext, 'env' | 'cwd' | 'stdout' | 'stderr'> & Partial<CliContext>

export function completeContext(given: GivenContext): CliContext {
  return {
    stdin: new PassThrough().end(),
    isTTY: false,
    programName: 'hotpatch',
    now: () => new Date(),
    resumableBytes: RESUMABLE_BYTES,
    signal: new AbortController().signal,
    pause: (milliseconds) => setTimeout(milliseconds, undefined, given.signal && { signal: given.signal }),
    ...given,
    env: withoutEmpty(given.env),
  }
}

/** A variable that is set to nothing is not set: otherwise `HOME=''` would mean the working folder. */
function withoutEmpty(env: CliContext['env']): CliContext['env'] {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
}
