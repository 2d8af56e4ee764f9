import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import serverOptions from '../../../scripts/lib/server-options.json' with { type: 'json' }
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
  const child = spawn(process.execPath, [...serverOptions.node, main], {
    env: {
      ...serverOptions.environment,
      ...process.env,
      PORT: '0',
      HOTPATCH_HOST: '127.0.0.1',
      HOTPATCH_DATA: directory,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { printed, announced } = readOutput(child)
  const ended = once(child, 'exit')
  const url = await addressOf(child, ended, announced, printed)
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

/** To its end: who is not read has to wait at its next line, and does nothing else. */
function readOutput(child: ChildProcess): { printed: string[]; announced: Promise<string> } {
  const printed: string[] = []
  const { promise, resolve } = Promise.withResolvers<string>()
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) throw new Error('The server process has no output.')
    createInterface({ input: stream }).on('line', (line) => {
      printed.push(line)
      const address = /listens on (http[^\s"]+)/.exec(line)?.[1]
      if (address) resolve(address.replace('localhost', '127.0.0.1'))
    })
  }
  return { printed, announced: promise }
}

async function addressOf(
  child: ChildProcess,
  ended: Promise<unknown>,
  announced: Promise<string>,
  printed: readonly string[],
): Promise<string> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), START_TIMEOUT_MS)
  const isOver = ended.then(() => undefined)
  const address = await Promise.race([announced, isOver, late.promise]).finally(() => clearTimeout(timer))
  if (address) return address
  const isEnded = child.exitCode !== null || child.signalCode !== null
  child.kill('SIGKILL')
  throw new Error(`The server ${isEnded ? 'did not start' : 'neither started nor ended'}:\n${printed.join('\n')}`)
}
