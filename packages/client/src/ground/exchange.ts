import { concat } from './bytes.ts'
import type { ClockPort, HttpPort, HttpRequest, HttpResponse } from './ports.ts'

export interface SmallAnswer {
  status: number
  headers: HttpResponse['headers']
  body: Uint8Array
}

/** `work`, or a rejection with `error()` when it takes longer; then `abort` is called and `work` is left alone. */
export function within<T>(
  clock: ClockPort,
  ms: number,
  work: Promise<T>,
  { abort, error }: { abort: () => void; error: () => Error },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      abort()
      reject(error())
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

export class AnswerTooLongError extends Error {
  override name = 'AnswerTooLongError'
}

/** One request whose answer is read whole: never more than `maxBytes`, never longer than `timeoutMs`. */
export async function exchangeSmall(
  { http, clock }: { http: HttpPort; clock: ClockPort },
  request: HttpRequest,
  { maxBytes, timeoutMs }: { maxBytes: number; timeoutMs: number },
): Promise<SmallAnswer> {
  const exchange = http.open(request)
  const read = async () => {
    const { status, headers, body } = await exchange.response
    const chunks: Uint8Array[] = []
    let length = 0
    for await (const chunk of body) {
      length += chunk.length
      if (length > maxBytes) {
        exchange.abort()
        throw new AnswerTooLongError(`the answer is longer than ${maxBytes} bytes`)
      }
      chunks.push(chunk)
    }
    return { status, headers, body: concat(chunks) }
  }
  return within(clock, timeoutMs, read(), {
    abort: () => exchange.abort(),
    error: () => new Error(`no complete answer within ${timeoutMs} ms`),
  })
}

/**
 * Milliseconds, from seconds or an HTTP date; bounded, and undefined when absent or unreadable. A date is the server's,
 * and so is compared with the server's own time, where it tells that.
 */
export function retryAfter(headers: HttpResponse['headers'], now: number, maxMs: number): number | undefined {
  const text = headers['retry-after']
  if (text === undefined) return undefined
  const told = Date.parse(headers.date ?? '')
  const ms = /^\d{1,10}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - (Number.isNaN(told) ? now : told)
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), maxMs)
}

/** Full jitter, so that a fleet that failed together does not come back together. */
export function backoff(
  clock: ClockPort,
  attempt: number,
  { backoffMs, backoffMaxMs }: { backoffMs: number; backoffMaxMs: number },
): number {
  return clock.random() * Math.min(backoffMaxMs, backoffMs * 2 ** attempt)
}

export function sleep(clock: ClockPort, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve)
  })
}
