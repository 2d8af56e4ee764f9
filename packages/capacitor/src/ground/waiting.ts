import type { ClockPort } from './ports.ts'

/** `work`, or a rejection when it takes longer; then `abort` is called, and `work` is left alone. */
export function within<T>(
  clock: ClockPort,
  { ms, what, abort }: { ms: number; what: string; abort?: () => void },
  work: Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      abort?.()
      reject(new Error(`${what} took more than ${ms} ms`))
    })
    work.then(
      (value) => {
        cancel()
        resolve(value)
      },
      (cause: unknown) => {
        cancel()
        reject(cause instanceof Error ? cause : new Error(messageOf(cause), { cause }))
      },
    )
  })
}

/** Full jitter, so that a fleet that failed together does not come back together. */
export function backOff(clock: ClockPort, attempt: number, { baseMs, maxMs }: { baseMs: number; maxMs: number }) {
  return new Promise<void>((resolve) => {
    clock.after(clock.random() * Math.min(maxMs, baseMs * 2 ** attempt), resolve)
  })
}

/** The native bridge rejects with errors, and on some platforms with plain objects. */
export function messageOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message)
  return String(error)
}
