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
