/** Whether the user, or the app, wants no more of it. */
export interface Stopped {
  isStopped(): boolean
  /** Calls back at once when it is so already. */
  onStop(run: () => void): () => void
}

export interface Stop extends Stopped {
  stop(): void
}

/** Not AbortSignal, which not every engine has. */
export function createStop(): Stop {
  const listeners = new Set<() => void>()
  let isStopped = false
  return {
    isStopped: () => isStopped,
    onStop(run) {
      if (isStopped) run()
      else listeners.add(run)
      return () => listeners.delete(run)
    },
    stop() {
      isStopped = true
      for (const run of listeners) run()
      listeners.clear()
    },
  }
}
