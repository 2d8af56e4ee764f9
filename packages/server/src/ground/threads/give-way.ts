import { setPriority } from 'node:os'

/** With it a thread gets a tenth of a core that one of the usual priority wants too, and all of a free one. */
const LOW_PRIORITY = 10

/**
 * For a thread whose work can wait: from here on it gives way to those that serve. Else answers wait for milliseconds
 * where there are few cores. Only Linux has priorities of threads; elsewhere it would be the whole process's.
 */
export function giveWay(): void {
  if (process.platform !== 'linux') return
  try {
    setPriority(LOW_PRIORITY)
  } catch {
    // A sandbox may forbid it: then the thread runs as before.
  }
}
