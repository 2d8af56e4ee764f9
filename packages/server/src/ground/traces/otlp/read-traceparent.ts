import type { SpanContext } from '@opentelemetry/api'

/** W3C Trace Context §3.2; of later versions what is as in the first one. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/
const FIRST_VERSION_LENGTH = 55
const MAX_LENGTH = 512
const NOTHING = /^0+$/

/** Undefined when it is not one. What else comes along with it, `tracestate` and `baggage`, is not taken. */
export function readTraceparent(text: unknown): SpanContext | undefined {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return undefined
  if (text.startsWith('00') && text.length !== FIRST_VERSION_LENGTH) return undefined
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  if (NOTHING.test(traceId) || NOTHING.test(spanId)) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
}
