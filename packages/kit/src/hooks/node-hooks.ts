import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { messageOf, type ClockPort } from '@hotpatch/device-ground'
import type { HookOutcome, HooksPort } from '../ground/hooks.ts'
import { KitError } from '../ground/kit-error.ts'
import { behindGate, gateFault, openGate } from './gate.ts'
import type { HookNotes } from './hook-notes.ts'
import { HOOK_ID_VARIABLE } from './process-groups.ts'
import { createTail, SHOWN_OUTPUT_BYTES, visibleOutput } from './visible-text.ts'

export interface NodeHooksOptions {
  /** Where programs are started: the root of the installation. */
  directory: string
  /** Of this process. */
  environment: Readonly<Record<string, string | undefined>>
  clock: Pick<ClockPort, 'after'>
  /** Absent: what still runs when this process is killed is found by nobody. */
  notes?: HookNotes | undefined
}

/** What was asked to end gets this long to do so. */
const GRACE_MS = 2_000
/** Of a program that has ended, and whose output somebody else holds open. */
const LATE_OUTPUT_MS = 500

/** Kits §3.9: programs in a process group of their own, without a shell that reads them and without input. */
export function createNodeHooks({ directory, environment, clock, notes }: NodeHooksOptions): HooksPort {
  const inherited = withoutTheTool(environment)
  // On Windows there are no groups that could be found again.
  const kept = process.platform === 'win32' ? undefined : notes

  return {
    ...(kept && { endLeft: kept.endLeft }),

    async run({ run, timeoutMs }, facts) {
      const [program] = run
      const [printed, complaints] = [createTail(SHOWN_OUTPUT_BYTES), createTail(SHOWN_OUTPUT_BYTES)]
      const output = () => visibleOutput(printed.bytes(), complaints.bytes())
      const hookId = randomUUID()
      const env = { ...inherited, ...facts, ...(kept && { [HOOK_ID_VARIABLE]: hookId }) }
      const child = start(kept ? behindGate(hookId, run) : run, {
        program,
        isGated: kept !== undefined,
        cwd: directory,
        env,
      })
      child.stdout?.on('data', printed.push)
      child.stderr?.on('data', complaints.push)
      const ended = whenEnded(child, program, clock)
      const note = kept && child.pid !== undefined ? await keepNote(kept, hookId, child, ended) : undefined
      if (kept) openGate(child)
      let isLate = false
      const endLate = (signal: 'SIGTERM' | 'SIGKILL') => () => {
        isLate = true
        endGroup(child, signal)
      }
      const cancel = clock.after(timeoutMs, endLate('SIGTERM'))
      const insist = clock.after(timeoutMs + GRACE_MS, endLate('SIGKILL'))
      const left = whenLeft(child, clock, timeoutMs + 2 * GRACE_MS)
      try {
        const exitCode = await Promise.race([ended, left.promise])
        if (!isLate && !left.isLeft()) {
          const fault = kept && gateFault(hookId, exitCode, complaints.bytes())
          if (fault !== undefined) throw notStarted(program, new Error(fault))
          return { exitCode, output: output() } satisfies HookOutcome
        }
        // Its first process may have gone, and others of its group may not.
        endGroup(child, 'SIGKILL')
      } finally {
        cancel()
        insist()
        left.cancel()
        // What still runs is found by whoever comes next.
        if (!left.isLeft()) await note?.forget()
      }
      const text = output()
      const fate = left.isLeft() ? `still runs as the process ${child.pid}, which this user may not end` : 'was ended'
      throw new KitError(
        'hook-failed',
        `Expected ${program} to end within ${timeoutMs} ms; it did not, and ${fate}. ` +
          `Give it more time in kit.json (timeoutMs), or find out what it waits for.${text && `\n${text}`}`,
      )
    },
  }
}

/** A program that could not be noted is not let go. */
async function keepNote(notes: HookNotes, hookId: string, child: ChildProcess, ended: Promise<unknown>) {
  // Whoever waits for it is told; it may fail before anybody waits.
  ended.catch(() => undefined)
  try {
    return await notes.keep(hookId, child.pid ?? 0)
  } catch (error) {
    endGroup(child, 'SIGKILL')
    throw error
  }
}

function start(
  [program, ...parameters]: readonly [string, ...string[]],
  { program: named, isGated, ...options }: { program: string; isGated: boolean; cwd: string; env: NodeJS.ProcessEnv },
): ChildProcess {
  try {
    return spawn(program, parameters, {
      ...options,
      // A group of its own, by which it is ended with whatever it has started.
      detached: process.platform !== 'win32',
      windowsHide: true,
      shell: false,
      stdio: ['ignore', 'pipe', 'pipe', ...(isGated ? ['pipe' as const] : [])],
    })
  } catch (cause) {
    throw notStarted(named, cause)
  }
}

function whenEnded(child: ChildProcess, program: string, clock: Pick<ClockPort, 'after'>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(notStarted(program, cause)))
    child.once('close', (code) => resolve(code ?? undefined))
    // A service that it has started in the background may keep its output open for ever.
    child.once('exit', (code) => {
      const cancel = clock.after(LATE_OUTPUT_MS, () => {
        child.stdout?.destroy()
        child.stderr?.destroy()
        resolve(code ?? undefined)
      })
      child.once('close', cancel)
    })
  })
}

/** What runs as somebody else, as by sudo, is not ended from here, and not waited for either. */
function whenLeft(child: ChildProcess, clock: Pick<ClockPort, 'after'>, afterMs: number) {
  let isLeft = false
  let cancel = () => {}
  const promise = new Promise<undefined>((resolve) => {
    cancel = clock.after(afterMs, () => {
      isLeft = true
      child.stdout?.destroy()
      child.stderr?.destroy()
      child.unref()
      resolve(undefined)
    })
  })
  return { promise, cancel: () => cancel(), isLeft: () => isLeft }
}

function notStarted(program: string, cause: unknown): KitError {
  const message = `Expected ${program} to be started: ${messageOf(cause)}. Look at its name in kit.json, and whether it can be executed.`
  return new KitError('hook-failed', message, { cause })
}

function endGroup({ pid }: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return
  if (process.platform === 'win32') {
    spawn('taskkill', ['/pid', String(pid), '/t', '/f'], { stdio: 'ignore', windowsHide: true }).on('error', () => {})
    return
  }
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // It has ended by itself, or runs as somebody else. This may be called by a timer, where nobody would catch it.
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
}

/**
 * What the tool is told by its environment is for the tool: tokens, keys and passwords of whoever publishes are among it,
 * and a hook, and whatever it starts, is the code of others.
 */
function withoutTheTool(environment: Readonly<Record<string, string | undefined>>) {
  const isForTheTool = (name: string) => /^HOTPATCH_(?!KIT_)/i.test(name)
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !isForTheTool(name)))
}
