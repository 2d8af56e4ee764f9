import { spawn } from 'node:child_process'
import { dirname, delimiter } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../../cli/bin/hotpatch.js', import.meta.url))

export interface CliResult {
  code: number | null
  stdout: string
  stderr: string
}

/** The tool as people run it: a process of its own, without a terminal. */
export async function runCliProcess(
  args: readonly string[],
  options: {
    cwd: string
    env: Readonly<Record<string, string>>
    /** On the standard input. */
    input?: string
    /** The program to run instead of this checkout's tool. */
    program?: string
  },
): Promise<CliResult> {
  const child = spawn(process.execPath, [options.program ?? CLI, ...args], {
    cwd: options.cwd,
    // The pinned Node first, for the bundler that the tool starts.
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`, ...options.env },
    stdio: 'pipe',
  })
  child.stdin.on('error', () => undefined) // it may end without having read
  child.stdin.end(options.input)
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, stdout, stderr }
}
