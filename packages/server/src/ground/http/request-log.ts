import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { OnAnswered } from './device-lane.ts'
import type { Metrics } from './metrics.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Machines ask it all the time: one line each would hide the others. */
    isPolled?: boolean
  }
  interface FastifyRequest {
    /** Of the trace in which it is told what was done for it, if it is traced. */
    traceId?: string
  }
}

const DEVICE_ID = /(\/devices\/)[^/]+/g

/** One line and one observation for each request of people. */
export function logRequests(app: FastifyInstance, metrics: Metrics): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { url: route = 'none', config } = request.routeOptions
    const { statusCode } = reply
    metrics.observeRequest(route, request.method, statusCode, reply.elapsedTime / 1000)
    const path = withoutIds(request.url.split('?', 1)[0] ?? '')
    const line = {
      reqId: request.id,
      method: request.method,
      path,
      status: statusCode,
      ms: Math.round(reply.elapsedTime),
      ...(request.traceId !== undefined && { traceId: request.traceId }),
    }
    if (config.isPolled) app.log.debug(line, 'request')
    else app.log.info({ ...line, actor: request.actor?.name }, 'request')
    done()
  })
}

/** The same for what devices were refused. What they were answered is counted by its kind instead: it is most of the traffic. */
export function logAnswers(log: FastifyBaseLogger, metrics: Metrics): OnAnswered {
  return ({ route, method, status, seconds, requestId, path }) => {
    metrics.observeRequest(route, method, status, seconds)
    log.debug({ reqId: requestId, method, path: withoutIds(path), status, ms: Math.round(seconds * 1000) }, 'request')
  }
}

/** Without the query, where clients put what they should not, and without the ids of devices, which may be people's. */
function withoutIds(path: string): string {
  return path.replace(DEVICE_ID, '$1:deviceId')
}
