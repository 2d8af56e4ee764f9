import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { entryOf } from './entry-of.ts'

const START_TIMEOUT_MS = 180_000

/** The server as people run it: a process of its own. */
export interface ServerProcess {
  url: string
  pid: number
  ownerToken: string
  directory: string
  /** Everything that it printed. */
  output(): string
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Starts it on a free port and resolves when it answers. @throws when it ends before, with what it printed */
export async function startServerProcess(options: {
  directory: string
  env?: Record<string, string>
  /** The program to run instead of this checkout's server. */
  main?: string
}): Promise<ServerProcess> {
  const { directory, env = {}, main = entryOf('server') } = options
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, PORT: '0', HOTPATCH_HOST: '127.0.0.1', HOTPATCH_DATA: directory, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => printed.push(line))
  }
  const ended = once(child, 'exit')
  const url = await addressOf(child, ended, printed)
  const ownerToken = (await readFile(join(directory, 'owner-token'), 'utf8').catch(() => '')).trim()
  return {
    url,
    pid: child.pid ?? 0,
    ownerToken,
    directory,
    output: () => printed.join('\n'),
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      await ended
      return child.exitCode
    },
  }
}

async function addressOf(child: ChildProcess, ended: Promise<unknown>, printed: string[]): Promise<string> {
  const timeout = AbortSignal.timeout(START_TIMEOUT_MS)
  const stdout = child.stdout
  if (!stdout) throw new Error('The server process has no output.')
  const announced = (async () => {
    for await (const line of createInterface({ input: stdout, signal: timeout })) {
      const address = /listens on (http[^\s"]+)/.exec(line)?.[1]
      if (address) return address.replace('localhost', '127.0.0.1')
    }
    return undefined
  })()
  const address = await Promise.race([announced, ended.then(() => undefined)])
  if (address) return address
  child.kill('SIGKILL')
  throw new Error(
    `The server ${timeout.aborted ? 'neither started nor ended' : 'did not start'}:\n${printed.join('\n')}`,
  )
}
