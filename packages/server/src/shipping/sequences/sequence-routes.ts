import { NewNextSequence, NextSequence, PlatformName } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { SequenceService } from './sequence-service.ts'

export function sequenceRoutes({
  sequences,
  resolveApp,
}: {
  sequences: SequenceService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/apps/:app/sequence',
      {
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'The sequence that the next statement must carry',
          params: AppParams,
          querystring: Type.Object({ platform: PlatformName }),
          response: { 200: NextSequence },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return sequences.getNext(found, request.query.platform)
      },
    )

    app.put(
      '/apps/:app/sequence',
      {
        config: { access: 'sequences:raise' },
        schema: {
          tags: ['releases'],
          summary: 'Goes on from a higher sequence, as after a backup was restored; never from a lower one',
          params: AppParams,
          body: NewNextSequence,
          response: { 200: NextSequence },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return sequences.setNext(found, request.body, authorOf(request))
      },
    )
  }
}
