import { Impact, ImpactQuestion } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import type { ImpactService } from './impact-service.ts'

export function impactRoutes({
  impacts,
  resolveApp,
}: {
  impacts: ImpactService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/apps/:app/impact',
      {
        config: { access: 'insights:read' },
        schema: {
          tags: ['rollouts'],
          summary: 'What a change would do to known devices: who moves, who is left behind, and the way out',
          params: AppParams,
          body: ImpactQuestion,
          response: { 200: Impact },
        },
      },
      async (request) => {
        const { id } = await resolveApp(request, request.params.app)
        return impacts.ask(id, request.body)
      },
    )
  }
}
