import { spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { uptime } from 'node:os'
import type { ProcessFacts } from '../ground/process-facts.ts'

const BOOT_ID = /^[0-9a-f-]{36}$/
const PATIENCE_MS = 10_000
/** By how much a clock that is set meanwhile may move the time of a boot. */
const TOLERANCE_MS = 5 * 60_000

/** This process, and what the system says of others. */
export function nodeProcess(): ProcessFacts {
  const boot = bootId() ?? `at ${Math.round(Date.now() - uptime() * 1000)}`
  const started = startedAt(process.pid)
  const space = orUndefined(() => readlinkSync('/proc/self/ns/pid'))
  return {
    own: {
      pid: process.pid,
      boot,
      ...(started !== undefined && { started }),
      ...(space !== undefined && { space }),
    },
    isSameBoot: (other) => isSameBoot(boot, other),
    isRunning,
    startedAt,
  }
}

function bootId(): string | undefined {
  const id = orUndefined(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
  return id !== undefined && BOOT_ID.test(id) ? id : undefined
}

function isSameBoot(own: string, other: string): boolean {
  if (own === other) return true
  if (!own.startsWith('at ') || !other.startsWith('at ')) return false
  return Math.abs(Number(own.slice(3)) - Number(other.slice(3))) <= TOLERANCE_MS
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It runs as somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Always said in the same way by the same system, and compared with nothing else. */
function startedAt(pid: number): string | undefined {
  return ticksAtStart(pid) ?? (process.platform === 'darwin' ? timeAtStart(pid) : undefined)
}

/** As `ps` says it, to the second; undefined of a process that there is not. */
export function timeAtStart(pid: number): string | undefined {
  // Neither words nor hours depend on who asks.
  const env = { LC_ALL: 'C', TZ: 'UTC' }
  const { status, stdout } = spawnSync('/bin/ps', ['-o', 'lstart=', '-p', String(pid)], {
    env,
    encoding: 'utf8',
    timeout: PATIENCE_MS,
  })
  const said = status === 0 ? stdout.trim() : ''
  return said === '' ? undefined : said
}

/** Since the boot; a name of the process may have anything in it, and ends with the last ")". */
function ticksAtStart(pid: number): string | undefined {
  const stat = orUndefined(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    // Not every system has it.
    return undefined
  }
}
