import { setImmediate } from 'node:timers/promises'

export interface WorkOptions {
  signal?: AbortSignal | undefined
  /** From 0 to 1, never back. */
  onProgress?: ((share: number) => void) | undefined
}

/**
 * Runs what yields now and then, and in between lets others run: timers, messages, and whoever aborts. What it yields is
 * how far it is, where it knows.
 */
export async function finish<Result>(
  work: Generator<number | undefined, Result>,
  { signal, onProgress }: WorkOptions = {},
): Promise<Result> {
  for (;;) {
    signal?.throwIfAborted()
    const turn = work.next()
    if (turn.done) return turn.value
    if (turn.value !== undefined) onProgress?.(turn.value)
    await setImmediate()
  }
}
