import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

export interface ShellRun {
  command: string
  args: readonly string[]
  cwd: string
  /** All that it has: nothing of this process's environment. */
  env: Record<string, string>
}

/** What a runner prints of a step, both streams together. */
export async function runShell({ command, args, cwd, env }: ShellRun): Promise<{ code: number; log: string }> {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, log: stdout + stderr }
}
