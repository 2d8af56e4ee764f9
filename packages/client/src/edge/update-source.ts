import type { Ports } from '../ground/ports.ts'
import type { Settings } from '../ground/settings.ts'
import { asUpdateError, UpdateError } from '../ground/update-error.ts'
import type { CheckRequest, ServerApi } from '../server/server-api.ts'
import type { CheckAnswer } from '../server/update-contract.ts'
import { createEdgeSource } from './edge-source.ts'

/** Whoever is asked for updates. */
export interface UpdateSource {
  /**
   * @param onRefused hears of what an edge said and was not believed, also when the server has an answer
   * @throws UpdateError
   */
  check(
    request: CheckRequest,
    running: number | undefined,
    onRefused: (error: UpdateError) => Promise<void>,
  ): Promise<CheckAnswer>
}

/** Static edge §8: the edge, the server, or one after the other. */
export function staticEdge(ports: Ports, settings: Settings, server: Pick<ServerApi, 'check'>): UpdateSource {
  const { edge: config, serverUrl } = settings
  if (!config) return { check: (request) => server.check(request) }
  const edge = createEdgeSource(ports, settings, config.url)
  const hasServer = serverUrl !== ''

  const check: UpdateSource['check'] = async (request, running, onRefused) => {
    if (hasServer && config.order === 'fallback') {
      try {
        return await server.check(request)
      } catch (error) {
        if (!(error instanceof UpdateError) || error.code !== 'check-failed') throw error
        const answer = await edge.check(request, running)
        if (answer) return answer
        throw error
      }
    }
    let refusal: UpdateError | undefined
    try {
      const answer = await edge.check(request, running)
      if (answer) return answer
    } catch (error) {
      refusal = asUpdateError(error)
      if (!hasServer) throw refusal
      await onRefused(refusal)
    }
    if (hasServer) return server.check(request)
    throw new UpdateError('check-failed', 'the edge leaves this to the server, and there is none')
  }

  return { check }
}
