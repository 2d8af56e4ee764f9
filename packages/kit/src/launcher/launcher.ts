import { spawn } from 'node:child_process'
import { closeSync, fsyncSync, lstatSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/**
 * Kits §8.8: starts the coordinator that is current, and goes back to the one before when a new one does not come to
 * itself. It is what no update replaces: one file, no dependencies, and no more than this.
 */

export interface CoordinatorVersion {
  version: string
  /** Of the archive that it was unpacked from; its folder has this name. */
  sha256: string
}

/** `.kit/coordinator/current`: exchanged at once, so that which one it is and how it does are never two things. */
export interface CoordinatorPointer {
  /** Null: the one that the operator has installed. */
  current: CoordinatorVersion | null
  previous: CoordinatorVersion | null
  /** Null: it has confirmed itself. */
  probation: { starts: number } | null
  /** Those that never did, by their SHA-256; the newest last. */
  failed: readonly string[]
}

export const POINTER_FILE = '.kit/coordinator/current'
export const COORDINATOR_VERSIONS = '.kit/coordinator/versions'
/** In the folder of a version. */
export const COORDINATOR_ENTRY = 'coordinator.mjs'
/** A new coordinator is told which one it is, and confirms by it. */
export const COORDINATOR_VARIABLE = 'HOTPATCH_KIT_COORDINATOR'
/** Starts without a confirmation; the next one is of the coordinator before. */
export const MAX_PROBATION_STARTS = 3
/** An error this soon is of a coordinator that does not even start. */
const AT_ONCE_MS = 10_000
const MAX_FAILED = 10
const MAX_POINTER_BYTES = 16_384
const USAGE_EXIT_CODE = 2

const NO_POINTER: CoordinatorPointer = { current: null, previous: null, probation: null, failed: [] }
const SHA256 = /^[0-9a-f]{64}$/

/** Of a text that is none: the operator's own. It can be started, whatever was damaged. */
export function readPointer(text: string | undefined): CoordinatorPointer {
  if (text === undefined || text.length > MAX_POINTER_BYTES) return NO_POINTER
  let json: Record<string, unknown>
  try {
    json = Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    return NO_POINTER
  }
  const current = readVersion(json.current)
  if (json.schema_version !== 1 || current === undefined) return NO_POINTER
  const failed = Array.isArray(json.failed) ? json.failed : []
  return {
    current,
    previous: readVersion(json.previous) ?? null,
    probation: json.probation === null ? null : readProbation(json.probation),
    failed: failed.filter((each): each is string => typeof each === 'string' && SHA256.test(each)).slice(-MAX_FAILED),
  }
}

export function writePointer(pointer: CoordinatorPointer): string {
  return `${JSON.stringify({ schema_version: 1, ...pointer }, null, 2)}\n`
}

function readVersion(value: unknown): CoordinatorVersion | null | undefined {
  if (value === null) return null
  const { version, sha256 } = Object(value) as { version?: unknown; sha256?: unknown }
  return typeof version === 'string' && typeof sha256 === 'string' && SHA256.test(sha256)
    ? { version, sha256 }
    : undefined
}

function readProbation(value: unknown): { starts: number } {
  const { starts } = Object(value) as { starts?: unknown }
  // Something else than a number has been on probation for long enough.
  return { starts: Number.isSafeInteger(starts) ? Number(starts) : Infinity }
}

/** What is to be written before the current one is started; undefined: it may be started as it is. */
export function beforeStart(pointer: CoordinatorPointer): CoordinatorPointer | undefined {
  const { current, probation } = pointer
  if (current === null || probation === null) return undefined
  if (probation.starts >= MAX_PROBATION_STARTS) return goBack(pointer)
  return { ...pointer, probation: { starts: probation.starts + 1 } }
}

/** To the one before, which had confirmed itself. */
export function goBack({ current, previous, failed }: CoordinatorPointer): CoordinatorPointer {
  const failedNow = current === null ? failed : [...failed.filter((each) => each !== current.sha256), current.sha256]
  return { current: previous, previous: null, probation: null, failed: failedNow.slice(-MAX_FAILED) }
}

/** How a coordinator ended. */
export interface Ended {
  exitCode: number | null
  signal: NodeJS.Signals | null
  afterMs: number
}

/** Signals by which people and machines end what is well. */
const ASKED_TO_END: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL', 'SIGQUIT'])

/** Whether one on probation ended so that it is not tried again. */
export function hasFailedAtOnce({ exitCode, signal, afterMs }: Ended): boolean {
  if (afterMs >= AT_ONCE_MS) return false
  if (signal !== null) return !ASKED_TO_END.has(signal)
  return exitCode !== 0 && exitCode !== USAGE_EXIT_CODE
}

/** Where the pointer lies, and what is started; tests have their own. */
export interface LaunchPorts {
  read(): string | undefined
  /** Exchanged at once, and durable. */
  write(text: string): void
  /** Undefined when it is not there. */
  entryOf(version: CoordinatorVersion | null): string | undefined
  run(entry: string, version: CoordinatorVersion | null): Promise<Ended>
  complain(text: string): void
}

/** Starts what is to be started, and once more what was before it. The exit code. */
export async function launch(ports: LaunchPorts): Promise<number> {
  /** Of a disk that takes nothing: for this time alone. */
  let forNow: CoordinatorPointer | undefined
  for (let isAgain = false; ; isAgain = true) {
    let pointer = forNow ?? readPointer(ports.read())
    const next = beforeStart(pointer)
    if (next !== undefined) {
      if (next.current?.sha256 !== pointer.current?.sha256) ports.complain(saysBack(pointer, 'never confirmed itself'))
      // A start that is not counted is one of those without end: then it is one that is known to work.
      if (isKept(ports, next)) pointer = next
      else pointer = forNow = { ...pointer, current: pointer.previous, previous: null, probation: null }
    }
    const { current } = pointer
    const entry = ports.entryOf(current)
    // Once for each of the two that it may name: behind them is the installed one.
    if (entry === undefined && current !== null) {
      ports.complain(saysBack(pointer, 'is not there'))
      const back = goBack(pointer)
      if (!isKept(ports, back)) forNow = back
      continue
    }
    if (entry === undefined) {
      ports.complain('Expected a coordinator to start, found none: name the installed one by --base.')
      return 1
    }
    const ended = await ports.run(entry, current)
    const after = readPointer(ports.read())
    const isSame = current !== null && after.current?.sha256 === current.sha256
    // A start that it has taken back itself says nothing of it (`excuseCoordinator`).
    const isOnProbation = isSame && after.probation !== null && after.probation.starts > 0
    if (isAgain || !isOnProbation || !hasFailedAtOnce(ended)) return exitCodeOf(ended)
    ports.complain(saysBack(pointer, 'ended with an error at once'))
    const back = goBack(after)
    if (!isKept(ports, back)) forNow = back
  }
}

/** A kit has to be recovered on a full disk, too: that it cannot be noted keeps no coordinator from being started. */
function isKept(ports: LaunchPorts, pointer: CoordinatorPointer): boolean {
  try {
    ports.write(writePointer(pointer))
    return true
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    ports.complain(`Which coordinator is started could not be noted, and holds for this time alone: ${why}`)
    return false
  }
}

function saysBack({ current, previous }: CoordinatorPointer, why: string): string {
  const back = previous === null ? 'the installed one' : `version ${previous.version}`
  return `Version ${current?.version ?? ''} of the coordinator ${why}: back to ${back}.`
}

function exitCodeOf({ exitCode, signal }: Ended): number {
  return exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal])
}

/** The real ones. */
export function nodeLaunchPorts(
  root: string,
  options: {
    /** The script that the operator has installed. */
    base: string | undefined
    args: readonly string[]
    environment: Readonly<Record<string, string | undefined>>
    complain(text: string): void
  },
): LaunchPorts {
  const path = join(root, POINTER_FILE)
  return {
    complain: options.complain,
    read() {
      try {
        return readFileSync(path, 'utf8')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
    write(text) {
      writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true })
      renameSync(`${path}.new`, path)
      syncFolder(dirname(path))
    },
    entryOf(version) {
      if (version === null) return options.base
      const folder = join(root, COORDINATOR_VERSIONS, version.sha256)
      const entry = join(folder, COORDINATOR_ENTRY)
      // Nobody leads it elsewhere by a link.
      return isPlain(folder, 'isDirectory') && isPlain(entry, 'isFile') ? entry : undefined
    },
    run: (entry, version) => runCoordinator(entry, version, { root, ...options }),
  }
}

function syncFolder(path: string): void {
  // Windows opens no folders.
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function isPlain(path: string, kind: 'isDirectory' | 'isFile'): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.[kind]() ?? false
}

async function runCoordinator(
  entry: string,
  version: CoordinatorVersion | null,
  { root, args, environment }: { root: string; args: readonly string[]; environment: NodeJS.ProcessEnv },
): Promise<Ended> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [entry, ...args], {
    stdio: 'inherit',
    env: { ...environment, HOTPATCH_KIT_ROOT: root, [COORDINATOR_VARIABLE]: version?.sha256 ?? '' },
  })
  // A terminal tells both of Ctrl-C; the others come to this process alone.
  const stay = () => {}
  const handOn = (signal: NodeJS.Signals) => void child.kill(signal)
  process.on('SIGINT', stay)
  for (const signal of HANDED_ON) process.on(signal, handOn)
  try {
    return await new Promise<Ended>((done, fail) => {
      child.once('error', fail)
      child.once('exit', (exitCode, signal) => done({ exitCode, signal, afterMs: performance.now() - startedAt }))
    })
  } finally {
    process.off('SIGINT', stay)
    for (const signal of HANDED_ON) process.off(signal, handOn)
  }
}

const HANDED_ON = ['SIGTERM', 'SIGHUP'] as const

const USAGE = `Usage: hotpatch-kit-launcher --root DIR --base FILE [arguments of the coordinator]

Starts the coordinator of the kit in DIR, or FILE, which is the one that you have installed, while there is none.
`

/** Runs until the coordinator has ended. Its exit code; 2 for wrong usage. */
export async function runLauncher(
  argv: readonly string[],
  { environment, complain }: { environment: NodeJS.ProcessEnv; complain(text: string): void },
): Promise<number> {
  const [rootOption, root, baseOption, base, ...args] = argv
  if (rootOption !== '--root' || root === undefined || baseOption !== '--base' || base === undefined) {
    complain(USAGE)
    return 2
  }
  return launch(nodeLaunchPorts(resolve(root), { base: resolve(base), args, environment, complain }))
}
