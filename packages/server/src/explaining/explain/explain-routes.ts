import { DeviceId, ExplainQuery, Explanation } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import type { ExplainService } from './explain-service.ts'

export function explainRoutes({
  explanations,
  resolveApp,
}: {
  explanations: ExplainService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/apps/:app/devices/:deviceId/explain',
      {
        config: { access: 'devices:read' },
        schema: {
          tags: ['devices'],
          summary: 'What a device would get now, and what every rule says of every rollout',
          description: 'Of a device that has never checked, the query tells what it would say.',
          params: Type.Object({ ...AppParams.properties, deviceId: DeviceId }),
          querystring: ExplainQuery,
          response: { 200: Explanation },
        },
      },
      async (request) => {
        const { id } = await resolveApp(request, request.params.app)
        return explanations.explain(id, request.params.deviceId, request.query)
      },
    )
  }
}
