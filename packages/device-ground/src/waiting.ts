import type { ClockPort } from './ports.ts'
import type { Stopped } from './stop.ts'

export class TookTooLongError extends Error {
  override name = 'TookTooLongError'
}

/** `work`, or a `TookTooLongError` when it takes longer; then `abort` is called, and `work` is left alone. */
export function within<T>(
  clock: Pick<ClockPort, 'after'>,
  { ms, what, abort }: { ms: number; what: string; abort?: () => void },
  work: Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      abort?.()
      reject(new TookTooLongError(`${what} took more than ${ms} ms`))
    })
    work.then(
      (value) => {
        cancel()
        resolve(value)
      },
      (cause: unknown) => {
        cancel()
        reject(cause)
      },
    )
  })
}

/** Full jitter, so that a fleet that failed together does not come back together. */
export function backOff(
  clock: Pick<ClockPort, 'random'>,
  attempt: number,
  { backOffMs, backOffMaxMs }: { backOffMs: number; backOffMaxMs: number },
): number {
  return clock.random() * Math.min(backOffMaxMs, backOffMs * 2 ** attempt)
}

/** Ends early, and well, when it is stopped. */
export function sleep(clock: Pick<ClockPort, 'after'>, ms: number, stopped?: Pick<Stopped, 'onStop'>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => {
      forget?.()
      resolve()
    })
    const forget = stopped?.onStop(() => {
      cancel()
      resolve()
    })
  })
}
