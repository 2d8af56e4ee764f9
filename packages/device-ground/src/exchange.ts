import { concat } from './concat.ts'
import type { ClockPort, HttpPort, HttpRequest, HttpResponse } from './ports.ts'
import type { Stopped } from './stop.ts'
import { within } from './waiting.ts'

export interface SmallAnswer {
  status: number
  headers: HttpResponse['headers']
  body: Uint8Array
}

export class AnswerTooLongError extends Error {
  override name = 'AnswerTooLongError'
}

/** One request whose answer is read whole: never more than `maxBytes`, never longer than `timeoutMs`. */
export async function exchangeSmall(
  { http, clock }: { http: Pick<HttpPort, 'open'>; clock: ClockPort },
  request: HttpRequest,
  { maxBytes, timeoutMs, stopped }: { maxBytes: number; timeoutMs: number; stopped?: Stopped },
): Promise<SmallAnswer> {
  const exchange = http.open(request)
  const abort = () => exchange.abort()
  const forget = stopped?.onStop(abort)
  const read = async () => {
    const { status, headers, body } = await exchange.response
    const chunks: Uint8Array[] = []
    let length = 0
    for await (const chunk of body) {
      length += chunk.length
      if (length > maxBytes) {
        abort()
        throw new AnswerTooLongError(`the answer is longer than ${maxBytes} bytes`)
      }
      chunks.push(chunk)
    }
    return { status, headers, body: concat(chunks) }
  }
  try {
    return await within(clock, { ms: timeoutMs, what: 'the answer', abort }, read())
  } finally {
    forget?.()
  }
}

/**
 * Milliseconds, from seconds or an HTTP date; bounded, and undefined when absent or unreadable. A date is the server's,
 * and so is compared with the server's own time, where it tells that.
 */
export function retryAfter(headers: HttpResponse['headers'], now: number, maxMs: number): number | undefined {
  const text = headers['retry-after']
  if (text === undefined) return undefined
  const told = timeOfHttpDate(headers.date ?? '')
  const ms = /^\d{1,10}$/.test(text) ? Number(text) * 1000 : timeOfHttpDate(text) - (Number.isNaN(told) ? now : told)
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), maxMs)
}

/** RFC 9110 §5.6.7, the form that is sent today. NaN for every other way to write a time: engines do not read those alike. */
export function timeOfHttpDate(text: string): number {
  const time = Date.parse(text)
  return Number.isNaN(time) || new Date(time).toUTCString() !== text ? Number.NaN : time
}
