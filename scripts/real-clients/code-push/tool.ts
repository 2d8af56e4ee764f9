import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { text } from 'node:stream/consumers'

/** What the published command-line tool printed, for a person to read. */
export interface Printed {
  code: number | null
  output: string
}

/** CodePush's published command-line tool, of somebody with a folder and a home of their own. */
export function createTool({ script, home, cwd }: { script: string; home: string; cwd: string }) {
  /** Says yes wherever it asks whether that is meant. */
  async function run(...args: string[]): Promise<Printed> {
    await mkdir(home, { recursive: true })
    const env = { PATH: process.env.PATH, HOME: home, TMPDIR: home, NODE_NO_WARNINGS: '1' }
    const child = spawn(process.execPath, [script, ...args], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdin.end('y\n')
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
    const [printed, complained, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    return { code, output: printed + complained }
  }

  return {
    run,
    /** @throws when it fails, with what it printed */
    async done(...args: string[]): Promise<string> {
      const { code, output } = await run(...args)
      if (code === 0 && !output.includes('[Error]')) return output
      throw new Error(`code-push ${args.join(' ')} ended with ${code}:\n${output}`)
    },
  }
}
