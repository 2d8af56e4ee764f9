import { readdirSync, readFileSync } from 'node:fs'
import type { KnownProcess, ProcessFacts } from '../ground/process-facts.ts'

/** In the environment of a hook, and of whatever it starts: which one it is. */
export const HOOK_ID_VARIABLE = 'HOTPATCH_KIT_HOOK'

/** A group by its first process, whose id it has. */
export interface KnownGroup extends Pick<KnownProcess, 'pid' | 'started'> {
  hookId: string
}

/** `unknown`: something runs under its id, and the system does not say what. */
export type FoundGroup = 'gone' | 'same' | 'another' | 'unknown'

export interface ProcessGroups {
  find(group: KnownGroup): FoundGroup
  /** Nothing where it is gone. @throws the system's own error when this process may not */
  signal(group: Pick<KnownGroup, 'pid'>, signal: 'SIGTERM' | 'SIGKILL'): void
}

interface Member {
  pid: number
  started: string
  /** Has ended, and nobody has asked for its exit code. */
  isDead: boolean
}

/**
 * The groups of this machine. An id is not given again while any process of its group is left; once none is, it may be
 * anybody's. What tells is when its first process began, and where that has ended, what its members were told.
 */
export function nodeProcessGroups({ startedAt }: Pick<ProcessFacts, 'startedAt'>): ProcessGroups {
  return {
    find({ pid, started, hookId }) {
      if (!isThere(pid)) return 'gone'
      const members = membersOf(pid)
      if (members.length > 0 && members.every(({ isDead }) => isDead)) return 'gone'
      const firstStarted = members.find((member) => member.pid === pid)?.started ?? startedAt(pid)
      if (firstStarted !== undefined && started !== undefined) return firstStarted === started ? 'same' : 'another'
      return members.some((member) => wasTold(member.pid, hookId)) ? 'same' : 'unknown'
    },
    signal({ pid }, signal) {
      try {
        process.kill(-pid, signal)
      } catch (error) {
        if (!hasCode(error, 'ESRCH')) throw error
      }
    },
  }
}

function isThere(group: number): boolean {
  try {
    process.kill(-group, 0)
    return true
  } catch (error) {
    // Whatever else it says, such as EPERM, it says of one that is there.
    return !hasCode(error, 'ESRCH')
  }
}

/** Empty where the system does not say, or does not show it to this user. */
function membersOf(group: number): Member[] {
  return processIds().flatMap((pid) => {
    // A name of the process may have anything in it, and ends with the last ")".
    const stat = readOrUndefined(`/proc/${pid}/stat`)
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? []
    const [state = '', , its] = fields
    if (Number(its) !== group) return []
    return [{ pid, started: fields[19] ?? '', isDead: state === 'Z' || state === 'X' }]
  })
}

function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^[1-9]\d*$/.test(name))
      .map(Number)
  } catch {
    // Not every system has it.
    return []
  }
}

function wasTold(pid: number, hookId: string): boolean {
  return (readOrUndefined(`/proc/${pid}/environ`) ?? '').split('\0').includes(`${HOOK_ID_VARIABLE}=${hookId}`)
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It has ended meanwhile, or is somebody else's.
    return undefined
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
