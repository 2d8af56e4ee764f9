import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { isAlive } from './processes.ts'
import { startServerProcess, type ServerProcess } from '../../packages/testkit/src/server-process.ts'

export interface SoakServer {
  index: number
  url: string
  directory: string
  /** Undefined while it is dead. */
  pid(): number | undefined
  /** Undefined while it runs, or is dead on purpose; else the last that it printed. */
  endedByItself(): string | undefined
  /** When it was started last. */
  startedAt(): number
  kill(): Promise<void>
  start(): Promise<void>
  /** By SIGTERM. @returns its exit code */
  stop(): Promise<number | null>
  ownerToken(): string
  /** Messages that it logged as errors, and how often. */
  errors(): ReadonlyMap<string, number>
  /** Starts that found the port still taken by workers of the one before. */
  repeatedStarts(): number
}

const STARTS = 10
const LAST_WORDS = 900

/** A real server process that always comes back at the same port, with the same folder. */
export function createSoakServer(of: {
  index: number
  port: number
  directory: string
  env: Readonly<Record<string, string>>
  /** Where what it printed is kept when it has ended. */
  log: string | undefined
}): SoakServer {
  const { index, port, directory, log } = of
  const env = { ...of.env, PORT: String(port) }
  const errors = new Map<string, number>()
  let running: ServerProcess | undefined
  let startedAt = 0
  let ownerToken = ''
  let repeatedStarts = 0

  /** As a service manager does it: again, while workers of the one before still hold the port. */
  async function start(): Promise<void> {
    if (running && !isAlive(running.pid)) await end('SIGKILL')
    for (let tries = 1; !running; tries++) {
      try {
        running = await startServerProcess({ directory, env })
      } catch (error) {
        if (tries === STARTS || !String(error).includes('EADDRINUSE')) throw error
        repeatedStarts++
        await wait(500)
      }
    }
    startedAt = performance.now()
    ownerToken ||= await readFile(join(directory, 'owner-token'), 'utf8').then(
      (text) => text.trim(),
      () => '',
    )
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const ending = running
    running = undefined
    const code = (await ending?.stop(signal)) ?? null
    if (ending) await keep(ending.output(), `ended with ${code} after ${signal}`)
    return code
  }

  async function keep(output: string, how: string): Promise<void> {
    collectErrors(output)
    if (log !== undefined) await appendFile(log, `${output}\n${new Date().toISOString()} ${how}\n`)
  }

  function collectErrors(output: string): void {
    for (const line of output.split('\n')) {
      const message = readError(line)
      if (message !== undefined) errors.set(message, (errors.get(message) ?? 0) + 1)
    }
  }

  return {
    index,
    url: `http://127.0.0.1:${port}`,
    directory,
    pid: () => running?.pid,
    endedByItself: () => (running && !isAlive(running.pid) ? running.output().slice(-LAST_WORDS) : undefined),
    startedAt: () => startedAt,
    kill: async () => void (await end('SIGKILL')),
    start,
    stop: () => end('SIGTERM'),
    ownerToken: () => ownerToken,
    errors: () => errors,
    repeatedStarts: () => repeatedStarts,
  }
}

const ERROR_LEVEL = 50

/** What it says, if it is an error; also what is no line of the log, such as a crash of the process. */
function readError(line: string): string | undefined {
  if (line.trim() === '') return undefined
  try {
    const { level, msg, err } = JSON.parse(line) as { level?: number; msg?: string; err?: { message?: string } }
    if ((level ?? 0) < ERROR_LEVEL) return undefined
    return `${msg}${err?.message === undefined ? '' : `: ${err.message.slice(0, 200)}`}`
  } catch {
    return /listens on|owner|\/dashboard|first-owner/i.test(line) ? undefined : line.slice(0, 200)
  }
}
