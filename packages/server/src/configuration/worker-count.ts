import { availableParallelism } from 'node:os'

const MAX_WORKERS = 256

/** What HOTPATCH_WORKERS means on this machine: 1 for one process and nothing more. Undefined when it means nothing. */
export function readWorkerCount(text: string, cores = availableParallelism()): number | undefined {
  if (text === 'auto') return Math.max(1, Math.min(cores, MAX_WORKERS))
  const count = Number(text)
  return /^\d+$/.test(text) && count <= MAX_WORKERS ? Math.max(1, count) : undefined
}
