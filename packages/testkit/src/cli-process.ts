import { spawn } from 'node:child_process'
import { dirname, delimiter } from 'node:path'
import { text } from 'node:stream/consumers'
import { entryOf } from './entry-of.ts'

export interface CliResult {
  code: number | null
  stdout: string
  stderr: string
}

interface CliOptions {
  cwd: string
  env: Readonly<Record<string, string>>
  /** On the standard input. */
  input?: string
  /** The program to run instead of this checkout's tool. */
  program?: string
}

/** The tool as people run it: a process of its own, without a terminal. */
export function runCliProcess(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return startCliProcess(args, options).ended
}

/** For those that end it before it ends by itself. */
export function startCliProcess(args: readonly string[], options: CliOptions) {
  const child = spawn(process.execPath, [options.program ?? entryOf('cli'), ...args], {
    cwd: options.cwd,
    // The pinned Node first, for the bundler that the tool starts.
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`, ...options.env },
    stdio: 'pipe',
  })
  child.stdin.on('error', () => undefined) // it may end without having read
  child.stdin.end(options.input)
  const closed = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const ended = Promise.all([text(child.stdout), text(child.stderr), closed]).then(
    ([stdout, stderr, code]): CliResult => ({ code, stdout, stderr }),
  )
  return { ended, kill: (signal: NodeJS.Signals) => child.kill(signal) }
}
