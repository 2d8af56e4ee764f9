import { RolloutPreview, RolloutReach } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import type { PreviewService } from './preview-service.ts'

export function previewRoutes({
  previews,
  resolveApp,
}: {
  previews: PreviewService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/apps/:app/rollouts/preview',
      {
        config: { access: 'insights:read' },
        schema: {
          tags: ['rollouts'],
          summary: 'How many of the known devices a rollout would reach; nothing is made',
          params: AppParams,
          body: RolloutPreview,
          response: { 200: RolloutReach },
        },
      },
      async (request) => {
        const { id } = await resolveApp(request, request.params.app)
        return previews.preview(id, request.body)
      },
    )
  }
}
