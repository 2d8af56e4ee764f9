import { PlanAdvance, Rollout, RolloutPlanStatus } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { authorOf } from '../../people/authors/author.ts'
import type { RolloutService } from '../rollouts/rollout-service.ts'
import type { PlanService } from './plan-service.ts'

const RolloutParams = Type.Object({ id: Type.String() })

export function planRoutes({
  plans,
  rollouts,
}: {
  plans: PlanService
  rollouts: RolloutService
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/rollouts/:id/plan',
      {
        config: { access: 'rollouts:read' },
        schema: {
          tags: ['rollouts'],
          summary: "How far a rollout's plan has come, and what it waits for",
          params: RolloutParams,
          response: { 200: RolloutPlanStatus },
        },
      },
      async (request) => plans.getStatus(await rollouts.get(request.params.id, request.actor)),
    )

    app.post(
      '/rollouts/:id/advance',
      {
        config: { access: 'rollouts:change' },
        schema: {
          tags: ['rollouts'],
          summary: 'Goes to the next step of its plan without waiting any longer',
          params: RolloutParams,
          body: PlanAdvance,
          response: { 200: Rollout },
        },
      },
      async (request) => {
        const rollout = await rollouts.get(request.params.id, request.actor)
        return plans.advance(rollout, request.body.fromStep, authorOf(request))
      },
    )

    app.post(
      '/rollouts/:id/finish',
      {
        config: { access: 'rollouts:change' },
        schema: {
          tags: ['rollouts'],
          summary: 'Goes to the last step of its plan at once, and ends the plan',
          params: RolloutParams,
          response: { 200: Rollout },
        },
      },
      async (request) => {
        const rollout = await rollouts.get(request.params.id, request.actor)
        return plans.finish(rollout, authorOf(request))
      },
    )
  }
}
