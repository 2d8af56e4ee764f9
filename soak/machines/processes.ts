import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'

/** Those that it has started and that run; none when it is gone. */
export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    return text === '' ? [] : text.split(' ').map(Number)
  } catch {
    return [] // it has ended
  }
}

/** Bytes that are resident, and open files, of it and those that it has started; undefined when it is gone. */
export function usageOf(pid: number): { residentBytes: number; openFiles: number } | undefined {
  try {
    const usage = { residentBytes: 0, openFiles: 0 }
    for (const each of [pid, ...childrenOf(pid)]) {
      const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${each}/status`, 'utf8'))?.[1]
      usage.residentBytes += Number(kilobytes ?? 0) * 1024
      usage.openFiles += readdirSync(`/proc/${each}/fd`).length
    }
    return usage
  } catch {
    return undefined // one of them has ended meanwhile
  }
}

export function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`)
}

/** By its id and nothing else. Whoever is gone already is dead enough. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/**
 * One that stays free while its server is dead: below those that the system gives to outgoing connections, of which there
 * are thousands here.
 */
export async function findLastingPort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    // Of no seed: two campaigns may run beside each other.
    const port = randomInt(20_000, 32_000)
    const probe = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false))
      probe.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    probe.close()
    await once(probe, 'close')
    return port
  }
  throw new Error('Expected a free port from 20000 to 32000, found none in 100 tries.')
}
