import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { Clock } from '../../clock.ts'
import type { OnAnswered } from '../../http/device-lane.ts'
import { MANAGEMENT_PREFIX } from '../../http/management-api.ts'
import { createRateLimiter } from '../../http/rate-limit.ts'
import type { NewSpan } from '../traces.ts'
import { readTraceparent } from './read-traceparent.ts'
import type { Span, Spans } from './spans.ts'

/** Whoever is nobody cannot fill a collector: so many traces of such requests a minute, all together. */
const UNKNOWN_CALLERS_PER_MINUTE = 60

interface Route {
  method: string
  path: string
}

/** A trace for each request of people and of their tools: what it asked for by its pattern, and who by their kind. */
export function traceRequests(app: FastifyInstance, { spans, clock }: { spans: Spans; clock: Clock }): void {
  const unknownCallers = createRateLimiter({ perPeriod: UNKNOWN_CALLERS_PER_MINUTE, clock })
  const traced = new WeakMap<FastifyRequest, Span>()

  app.addHook('onRoute', (route) => {
    if (!isForPeople(route)) return
    // Behind the one that says who calls.
    route.onRequest = [...listOf(route.onRequest), begin]
  })
  // Who calls is asked again when a body has arrived, and what Node tells of a body it tells outside of the request.
  app.addHook('preValidation', (request, _reply, done) => {
    const span = traced.get(request)
    if (span) span.within(done)
    else done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    end(request, reply)
    done()
  })

  function begin(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    const span = start(request, reply)
    if (!span) return done()
    traced.set(request, span)
    request.traceId = span.traceId
    span.within(done)
  }

  function start(request: FastifyRequest, reply: FastifyReply): Span | undefined {
    const { actor } = request
    if (!actor && unknownCallers.take('all') > 0) return undefined
    // A stranger's header could send every request of his, and put it into a trace of somebody else.
    const parent = actor ? readTraceparent(request.headers.traceparent) : undefined
    const route = { method: request.method, path: request.routeOptions.url ?? '' }
    const agoMs = reply.elapsedTime
    const span = spans.start(describeRequest(route, request.id), { agoMs, ...(parent && { parent }) })
    span.add({ 'hotpatch.actor.kind': actor?.kind ?? 'none' })
    // What it took to find out who calls.
    if (actor) spans.startStep({ name: 'authorize' }, { parent: span, agoMs })?.end()
    return span
  }

  function end(request: FastifyRequest, reply: FastifyReply): void {
    // One that was refused at the door has none yet.
    const span = traced.get(request) ?? (isRefused(request) ? start(request, reply) : undefined)
    if (!span) return
    sayStatus(span, reply.statusCode)
    span.end()
  }

  function isRefused({ routeOptions: { url, config } }: FastifyRequest): boolean {
    return url !== undefined && isForPeople({ url, config })
  }
}

/** What devices were answered, when that is asked for: afterwards, so that no check waits for it. */
export function traceAnsweredDevices({
  spans,
  ratio,
  random,
}: {
  spans: Spans
  ratio: number
  random: () => number
}): OnAnswered | undefined {
  if (ratio <= 0) return undefined
  return ({ route, method, status, seconds, requestId }) => {
    if (random() >= ratio) return
    // Whatever it says of a trace: anybody can be a device.
    const span = spans.start(describeRequest({ method, path: route }, requestId), { agoMs: seconds * 1000 })
    span.add({ 'hotpatch.actor.kind': 'device' })
    sayStatus(span, status)
    span.end()
  }
}

function describeRequest({ method, path }: Route, requestId: string): NewSpan {
  return {
    name: `${method} ${path}`,
    kind: 'server',
    attributes: { 'http.request.method': method, 'http.route': path, 'hotpatch.request.id': requestId },
  }
}

function sayStatus(span: Span, status: number): void {
  span.add({ 'http.response.status_code': status })
  if (status >= 500) span.fail(String(status))
}

function isForPeople({ url, config }: Pick<RouteOptions, 'url' | 'config'>): boolean {
  if (config?.isPolled || config?.access === undefined) return false
  return config.access !== 'public' || url.startsWith(MANAGEMENT_PREFIX)
}

function listOf<Hook>(hooks: Hook | Hook[] | undefined): Hook[] {
  if (hooks === undefined) return []
  return Array.isArray(hooks) ? hooks : [hooks]
}
