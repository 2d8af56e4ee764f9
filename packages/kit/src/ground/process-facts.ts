/** Enough of a process to know later whether it still runs. */
export interface KnownProcess {
  pid: number
  /** Of this start of the machine. */
  boot: string
  /** When the process began, as the system says it; absent where it does not. Ids are given again. */
  started?: string
  /** In which space of process ids; absent where there is one only. */
  space?: string
}

/** This process, and what the system says of others. */
export interface ProcessFacts {
  own: KnownProcess
  isSameBoot(boot: string): boolean
  isRunning(pid: number): boolean
  startedAt(pid: number): string | undefined
}

const MAX_BYTES = 4096

/** Undefined of a text that says no process: it was torn, or is being written just now. */
export function readKnownProcess(text: string): KnownProcess | undefined {
  if (text.length > MAX_BYTES) return undefined
  try {
    const { pid, boot, started, space } = Object(JSON.parse(text)) as Record<string, unknown>
    if (!Number.isSafeInteger(pid) || (pid as number) < 1 || typeof boot !== 'string') return undefined
    return {
      pid: pid as number,
      boot,
      ...(typeof started === 'string' && { started }),
      ...(typeof space === 'string' && { space }),
    }
  } catch {
    // No JSON.
    return undefined
  }
}
