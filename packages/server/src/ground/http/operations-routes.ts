import { PROBLEMS, problem, type ProblemType } from '@hotpatch/protocol'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { StorageDriver } from '../storage/storage-driver.ts'
import type { Metrics } from './metrics.ts'
import { sayNoStore } from './say-no-store.ts'

/** Who may read the metrics: whoever has an API token for all apps, everyone, or nobody. */
export type MetricsAccess = 'token' | 'open' | 'off'

const PING_MS = 2000

/** For those who run the server, and the pages that problem types point to. */
export function operationsRoutes({
  metrics,
  metricsAccess,
  requireMetricsReader,
  checkReady,
  storage,
}: {
  metrics: Metrics
  metricsAccess: MetricsAccess
  /** Throws when the caller, who has a token, may not read them. */
  requireMetricsReader: (request: FastifyRequest) => void
  /** Throws when the server cannot do its work. */
  checkReady: () => Promise<void>
  storage: Pick<StorageDriver, 'ping'>
}): FastifyPluginAsync {
  const config = { access: 'public' as const }
  const polled = { ...config, isPolled: true }
  return async (app) => {
    sayNoStore(app)
    app.get('/healthz', { config: polled }, () => ({ status: 'ok' }))

    app.get('/readyz', { config: polled }, async (request) => {
      try {
        await inTime(checkReady(), 'The database')
      } catch (cause) {
        request.log.warn({ err: cause }, 'not ready')
        throw problem('unavailable', 'The database does not answer.', {}, { cause })
      }
      const { ping } = storage
      if (!ping) return { status: 'ready' }
      return { status: 'ready', storage: await answersOf(ping, request) }
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

/** Whoever asks has little patience. */
function inTime<Result>(answer: Promise<Result>, whose: string): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${whose} did not answer in time.`)), PING_MS)
  })
  return Promise.race([answer, tooLate]).finally(() => clearTimeout(timer))
}

/**
 * Told, and no reason to take the server away: checks need no storage, and all servers have the same one.
 */
function answersOf(ping: () => Promise<void>, request: FastifyRequest): Promise<'reachable' | 'unreachable'> {
  return inTime(ping(), 'The artifact storage').then(
    () => 'reachable',
    (error: unknown) => {
      request.log.warn({ err: error }, 'the artifact storage cannot be reached')
      return 'unreachable'
    },
  )
}

function isProblemType(type: string): type is ProblemType {
  return Object.hasOwn(PROBLEMS, type)
}
