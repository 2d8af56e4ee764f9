import { readFileSync } from 'node:fs'

const MIB = 1024 * 1024

/** Memory that is resident now, in MiB. */
export function residentMib(pid: number): number {
  return statusMib(pid, 'VmRSS')
}

/** The most that was ever resident, in MiB. */
export function peakResidentMib(pid: number): number {
  return statusMib(pid, 'VmHWM')
}

function statusMib(pid: number, field: string): number {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no ${field}.`)
  return (Number(kilobytes) * 1024) / MIB
}

/** Processor time of the thread that serves, in microseconds: what others do on the machine does not count in it. */
export function mainThreadMicroseconds(pid: number): number {
  const [nanoseconds] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')
  return Number(nanoseconds) / 1000
}

/**
 * Processor time of processes with all their threads and children, also those that have ended, in microseconds. It comes in
 * steps of 10 ms, which is what the kernel counts in for whoever asks.
 */
export function microsecondsOf(pids: readonly number[]): number {
  return withChildren(pids).reduce((sum, pid) => sum + TICK_MICROSECONDS * ticksOf(pid), 0)
}

const TICK_MICROSECONDS = 10_000

function ticksOf(pid: number): number {
  const text = readIfRunning(`/proc/${pid}/stat`)
  // Its name, in parentheses, may have anything in it. After that come its state and numbers: own time, and that of children.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
}

/** Memory of processes and their children in MiB, with what several have in common shared out between them. */
export function sharedOutMib(pids: readonly number[]): number {
  const kilobytes = withChildren(pids).map((pid) => {
    return Number(/^Pss:\s+(\d+) kB$/m.exec(readIfRunning(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0)
  })
  return kilobytes.reduce((sum, each) => sum + each, 0) / 1024
}

function withChildren(pids: readonly number[]): number[] {
  return pids.flatMap((pid) => [pid, ...childrenOf(pid)])
}

/** Of a process that has just ended nothing is left. */
function readIfRunning(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** The processes that it has started and that run, in the order of their start. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

/** The server's own counters, by their whole name with labels. */
export async function readMetrics(url: string): Promise<(name: string) => number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const values = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-z_]+)(?:\{[^}]*\})? (\S+)$/.exec(line) ?? []
    if (name !== undefined) values.set(name, (values.get(name) ?? 0) + Number(value))
  }
  return (name) => {
    const value = values.get(name)
    if (value === undefined) throw new Error(`/metrics has no ${name}.`)
    return value
  }
}
