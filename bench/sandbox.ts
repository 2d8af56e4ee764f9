import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { BareAnswer } from './bare-answer.ts'
import serverOptions from '../scripts/lib/server-options.json' with { type: 'json' }

/** A server in a process of its own. */
export interface RunningServer {
  url: string
  port: number
  pid: number
  stop(): Promise<void>
}

const ENTRY = fileURLToPath(new URL('../scripts/entry.mjs', import.meta.url))
const CLOCK_SERVER = fileURLToPath(new URL('clock-server.ts', import.meta.url))
const BARE = fileURLToPath(new URL('bare-server.ts', import.meta.url))
const FOLLOW_PARENT = new URL('../scripts/lib/follow-parent.mjs', import.meta.url).href
const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 15_000
/** The limiters do their work, and never refuse. */
const NO_LIMIT = '1000000000'

const children = new Set<ChildProcess>()
const directories = new Set<string>()
const others = new Set<() => void>()

/** Ends every child and removes every folder; also when the process is told to stop in the middle. */
export function cleanUp(): void {
  for (const child of children) child.kill('SIGKILL')
  for (const end of others) end()
  others.clear()
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
  directories.clear()
}

export function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'hotpatch-bench-'))
  directories.add(directory)
  return directory
}

/** What is ended in its own way where nothing else has ended it. @returns what says that it has ended */
export function endAtCleanUp(end: () => void): () => void {
  others.add(end)
  return () => others.delete(end)
}

/** A child of its own kind, which is ended with the others. */
export function keep(child: ChildProcess): ChildProcess {
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true })
  directories.delete(directory)
}

/** With this Node, on nothing but the environment given and what a program needs to run at all. */
export function runNode(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  stdin: 'ignore' | 'pipe' = 'ignore',
): ChildProcess {
  const { PATH, HOME, TMPDIR } = process.env
  return keep(
    spawn(process.execPath, ['--import', FOLLOW_PARENT, ...args], {
      env: { ...(PATH && { PATH }), ...(HOME && { HOME }), ...(TMPDIR && { TMPDIR }), ...env },
      stdio: [stdin, 'pipe', 'pipe'],
    }),
  )
}

function settingsOf(dataDirectory: string): Record<string, string> {
  return {
    ...serverOptions.environment,
    PORT: '0',
    HOTPATCH_HOST: '127.0.0.1',
    HOTPATCH_DATA: dataDirectory,
    HOTPATCH_METRICS: 'open',
    HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: NO_LIMIT,
    HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: NO_LIMIT,
  }
}

let entry: string | undefined

/** What npm start starts: the server, bundled. */
function findEntry(): string {
  return execFileSync(process.execPath, [ENTRY, 'server'], { encoding: 'utf8' }).trim()
}

/** HotPatch as npm start runs it, except for rate limits that never refuse. It resolves when it listens. */
export function startHotPatch(dataDirectory: string, env: Readonly<Record<string, string>> = {}) {
  const settings = settingsOf(dataDirectory)
  // Another checkout's server, or a profiler: docs/benchmarks.md says how.
  const { BENCH_SERVER, BENCH_NODE_OPTIONS } = process.env
  const nodeOptions = BENCH_NODE_OPTIONS ? BENCH_NODE_OPTIONS.split(' ') : []
  return untilListening(
    runNode([...serverOptions.node, ...nodeOptions, BENCH_SERVER || (entry ??= findEntry())], { ...settings, ...env }),
  )
}

/** The same, with a clock that begins at `startAt` and can be put forward. */
export async function startWithClock(
  dataDirectory: string,
  startAt: number,
): Promise<RunningServer & { advance(ms: number): Promise<void> }> {
  const child = runNode([...serverOptions.node, CLOCK_SERVER, String(startAt)], settingsOf(dataDirectory), 'pipe')
  const server = await untilListening(child)

  async function advance(ms: number) {
    const { stdout } = child
    if (!stdout) throw new Error('The server has no output.')
    const advanced = once(stdout, 'data')
    child.stdin?.write(`${ms}\n`)
    await advanced
  }
  return { ...server, advance }
}

/** @param isBatched whether it answers what comes in one turn of the event loop together */
export async function startBare(answer: BareAnswer, isBatched = false): Promise<RunningServer> {
  const directory = makeDirectory()
  const file = join(directory, 'answer.json')
  await writeFile(file, JSON.stringify(answer))
  return untilListening(runNode([BARE, file, ...(isBatched ? ['batched'] : [])]))
}

/** @param says the line that names its port, on 127.0.0.1 */
export async function untilListening(
  child: ChildProcess,
  says = /listens on http:\/\/[^:]+:(\d+)/,
): Promise<RunningServer> {
  const lines: string[] = []
  const listening = Promise.withResolvers<string>()
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue
    createInterface({ input: stream }).on('line', (line) => {
      const address = says.exec(line)?.[1]
      if (address) listening.resolve(address)
      if (lines.length < 50) lines.push(line)
    })
  }
  const fail = (why: string) => listening.reject(new Error(`${why}:\n${lines.join('\n')}`))
  const ended = once(child, 'exit').then(() => fail('A server ended'))
  const timer = setTimeout(() => fail('A server did not start in time'), START_TIMEOUT_MS)
  const port = Number(await listening.promise.finally(() => clearTimeout(timer)))

  async function stop() {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await ended
    clearTimeout(timer)
  }
  return { url: `http://127.0.0.1:${port}`, port, pid: child.pid ?? 0, stop }
}
