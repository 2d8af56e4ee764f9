import { spawn, type ChildProcess } from 'node:child_process'
import { messageOf, type ClockPort } from '@hotpatch/device-ground'
import type { HookOutcome, HooksPort } from '../ground/hooks.ts'
import { KitError } from '../ground/kit-error.ts'
import { createTail, SHOWN_OUTPUT_BYTES, visibleOutput } from './visible-text.ts'

export interface NodeHooksOptions {
  /** Where programs are started: the root of the installation. */
  directory: string
  /** Of this process. */
  environment: Readonly<Record<string, string | undefined>>
  clock: Pick<ClockPort, 'after'>
}

/** What was asked to end gets this long to do so. */
const GRACE_MS = 2_000
/** Of a program that has ended, and whose output somebody else holds open. */
const LATE_OUTPUT_MS = 500

/** Kits §3.9: programs in a process group of their own, without a shell and without input. */
export function createNodeHooks({ directory, environment, clock }: NodeHooksOptions): HooksPort {
  return {
    async run({ run: [program, ...parameters], timeoutMs }, facts) {
      const [printed, complaints] = [createTail(SHOWN_OUTPUT_BYTES), createTail(SHOWN_OUTPUT_BYTES)]
      const output = () => visibleOutput(printed.bytes(), complaints.bytes())
      const child = start(program, parameters, { cwd: directory, env: { ...environment, ...facts } })
      child.stdout?.on('data', printed.push)
      child.stderr?.on('data', complaints.push)
      const ended = whenEnded(child, program, clock)
      let isLate = false
      const cancel = clock.after(timeoutMs, () => {
        isLate = true
        endGroup(child, 'SIGTERM')
      })
      const insist = clock.after(timeoutMs + GRACE_MS, () => endGroup(child, 'SIGKILL'))
      const left = whenLeft(child, clock, timeoutMs + 2 * GRACE_MS)
      try {
        const exitCode = await Promise.race([ended, left.promise])
        if (!isLate) return { exitCode, output: output() } satisfies HookOutcome
      } finally {
        cancel()
        insist()
        left.cancel()
      }
      // Its first process may have gone, and others of its group may not.
      endGroup(child, 'SIGKILL')
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

function start(program: string, parameters: string[], options: { cwd: string; env: NodeJS.ProcessEnv }): ChildProcess {
  try {
    return spawn(program, parameters, {
      ...options,
      // A group of its own, by which it is ended with whatever it has started.
      detached: process.platform !== 'win32',
      windowsHide: true,
      shell: false,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  } catch (cause) {
    throw notStarted(program, cause)
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
