import { PROBLEMS, problem, type ProblemType } from '@hotpatch/protocol'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Metrics } from './metrics.ts'
import { sayNoStore } from './say-no-store.ts'

/** Who may read the metrics: whoever has an API token for all apps, everyone, or nobody. */
export type MetricsAccess = 'token' | 'open' | 'off'

/** For those who run the server, and the pages that problem types point to. */
export function operationsRoutes({
  metrics,
  metricsAccess,
  requireMetricsReader,
  checkReady,
}: {
  metrics: Metrics
  metricsAccess: MetricsAccess
  /** Throws when the caller, who has a token, may not read them. */
  requireMetricsReader: (request: FastifyRequest) => void
  /** Throws when the server cannot do its work. */
  checkReady: () => Promise<void>
}): FastifyPluginAsync {
  const config = { access: 'public' as const }
  const polled = { ...config, isPolled: true }
  return async (app) => {
    sayNoStore(app)
    app.get('/healthz', { config: polled }, () => ({ status: 'ok' }))

    app.get('/readyz', { config: polled }, async (request) => {
      try {
        await checkReady()
      } catch (cause) {
        request.log.warn({ err: cause }, 'not ready')
        throw problem('unavailable', 'The database does not answer.', {}, { cause })
      }
      return { status: 'ready' }
    })

    if (metricsAccess !== 'off') {
      const access = metricsAccess === 'open' ? ('public' as const) : ('metrics:read' as const)
      app.get('/metrics', { config: { access, isPolled: true } }, async (request, reply) => {
        requireMetricsReader(request)
        const text = await metrics.render()
        return reply.header('content-type', metrics.contentType).send(text)
      })
    }

    app.get('/problems/:type', { config }, (request, reply) => {
      const { type } = request.params as { type: string }
      if (!isProblemType(type)) throw problem('not-found', `There is no problem type "${type}".`)
      const { status, title, advice } = PROBLEMS[type]
      return reply
        .header('content-type', 'text/plain; charset=utf-8')
        .send(`${type} (${status})\n\n${title}.\n\nWhat to do: ${advice}\n`)
    })
  }
}

function isProblemType(type: string): type is ProblemType {
  return Object.hasOwn(PROBLEMS, type)
}
