import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runNode, untilListening, type RunningServer } from '../sandbox.ts'

/** A server that answers the checks of one client, with everything published that there is to be. */
export interface Contender {
  name: string
  /** Where its app is: what the client's address begins with, or a key. */
  place: string
  start(): Promise<RunningServer>
  /** What it needs beside itself, which goes on running. */
  databases: readonly number[]
  /** Whatever was started for it. */
  end(): Promise<void>
}

const EXIT_WHEN_TOLD = fileURLToPath(new URL('exit-when-told.mjs', import.meta.url))

/** A peer's program, as in production, and with what HotPatch has: a compile cache, below its `directory`. */
export function startPeer(
  directory: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  says?: RegExp,
): Promise<RunningServer> {
  const all = { NODE_ENV: 'production', ...compileCacheIn(directory), ...env }
  return untilListening(runNode(['--import', EXIT_WHEN_TOLD, ...args], all), says)
}

export function compileCacheIn(directory: string): { NODE_COMPILE_CACHE: string } {
  return { NODE_COMPILE_CACHE: join(directory, 'compiled') }
}
