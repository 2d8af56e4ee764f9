import type { FastifyInstance } from 'fastify'
import type { Metrics } from './metrics.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Machines ask it all the time: one line each would hide the others. */
    isPolled?: boolean
  }
}

const DEVICE_ID = /(\/devices\/)[^/]+/g

/** One line and one observation for each request. Answered checks are counted instead: they are most of the traffic. */
export function logRequests(app: FastifyInstance, metrics: Metrics): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { url: route = 'none', config } = request.routeOptions
    const { statusCode } = reply
    if (config.access === 'app-key' && statusCode < 400) return done()
    metrics.observeRequest(route, request.method, statusCode, reply.elapsedTime / 1000)
    // Without the query, where clients put what they should not, and without the ids of devices, which may be people's.
    const path = request.url.split('?', 1)[0]?.replace(DEVICE_ID, '$1:deviceId')
    const line = {
      reqId: request.id,
      method: request.method,
      path,
      status: statusCode,
      ms: Math.round(reply.elapsedTime),
    }
    if (config.access === 'app-key' || config.isPolled) app.log.debug(line, 'request')
    else app.log.info({ ...line, actor: request.actor?.name }, 'request')
    done()
  })
}
