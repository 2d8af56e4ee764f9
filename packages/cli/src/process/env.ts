import { basename } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { RESUMABLE_BYTES, type CliContext } from './context.ts'

/** The context of the real process. */
export function processContext(): CliContext {
  const interrupt = new AbortController()
  // Once: the second Ctrl-C ends the process at once, whatever it does.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort())
  const calledAs = basename(process.argv[1] ?? '').replace(/\.[a-z]+$/, '')
  return {
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    isTTY: process.stdin.isTTY && process.stderr.isTTY,
    programName: calledAs === 'rn-ota' ? 'rn-ota' : 'hotpatch',
    now: () => new Date(),
    pause: (milliseconds) => setTimeout(milliseconds, undefined, { signal: interrupt.signal }),
    resumableBytes: RESUMABLE_BYTES,
    signal: interrupt.signal,
  }
}
