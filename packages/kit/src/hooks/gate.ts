import type { ChildProcess } from 'node:child_process'
import { Duplex } from 'node:stream'

/** Where the word comes by which it is let go. */
const GATE = 3
/** Of a shell: what it was to become could not be started, or is not there. */
const NOT_STARTED = new Set<number | undefined>([126, 127])

/**
 * A process that waits until it is noted, and then becomes the program; whoever is killed before that has started nothing.
 * The shell reads none of the words: it hands them on as they are, and its process and its group stay the same.
 */
export function behindGate(hookId: string, run: readonly [string, ...string[]]): [string, ...string[]] {
  const wait = `read -r word <&${GATE} && exec ${GATE}<&- && exec "$@"`
  return ['/bin/sh', '-c', wait, nameOf(hookId), ...run]
}

export function openGate({ stdio }: ChildProcess): void {
  const gate = stdio[GATE]
  if (!(gate instanceof Duplex)) return
  // It has ended before it was let go, which whoever waits for it is told.
  gate.on('error', () => undefined)
  gate.end('go\n', () => gate.destroy())
}

/** What the shell says of a program that cannot be started; undefined of what a program says that could. */
export function gateFault(hookId: string, exitCode: number | undefined, complaints: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(complaints).trim()
  const prefix = `${nameOf(hookId)}: `
  return NOT_STARTED.has(exitCode) && text.startsWith(prefix) ? text.slice(prefix.length) : undefined
}

const nameOf = (hookId: string) => `hook-${hookId}`
