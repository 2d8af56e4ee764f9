import { ChannelName, Rollout } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { requireApp } from '../../people/authors/actor.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { ReleaseService } from '../../shipping/releases/release-service.ts'
import type { RolloutService } from './rollout-service.ts'

const SWITCHES = [
  {
    name: 'deactivate',
    transition: 'pause',
    summary: 'Pauses every rollout of a release on a channel: who has it keeps it, others are offered the one before',
  },
  { name: 'activate', transition: 'resume', summary: 'Resumes what was paused of a release on a channel' },
] as const

/** What is said of a release on a channel, and done to all of its rollouts there. */
export function switchRoutes({
  rollouts,
  releases,
}: {
  rollouts: RolloutService
  releases: ReleaseService
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    for (const { name, transition, summary } of SWITCHES) {
      app.post(
        `/releases/:id/${name}`,
        {
          config: { access: 'rollouts:change' },
          schema: {
            tags: ['rollouts'],
            summary,
            params: Type.Object({ id: Type.String() }),
            querystring: Type.Object({ channel: ChannelName }),
            response: { 200: Rollout },
          },
        },
        async (request) => {
          const release = await releases.get(request.params.id)
          requireApp(request.actor, release.app_id)
          return rollouts.switchRelease(release, request.query.channel, transition, authorOf(request))
        },
      )
    }
  }
}
