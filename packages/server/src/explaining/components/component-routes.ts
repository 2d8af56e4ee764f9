import { RolloutComponents } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { RolloutService } from '../../rolling-out/rollouts/rollout-service.ts'
import type { ComponentFigureService } from './component-figures.ts'

export function componentRoutes({
  components,
  rollouts,
}: {
  components: ComponentFigureService
  rollouts: RolloutService
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/rollouts/:id/components',
      {
        config: { access: 'insights:read' },
        schema: {
          tags: ['insights'],
          summary: 'Of a kit, how far installations came with each of its components, and which one fails',
          params: Type.Object({ id: Type.String() }),
          response: { 200: RolloutComponents },
        },
      },
      async (request) => components.read(await rollouts.get(request.params.id, request.actor)),
    )
  }
}
