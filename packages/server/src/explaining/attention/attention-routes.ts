import { Attention, AttentionQuery } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import type { ResolveApp } from '../../people/authors/resolve-app.ts'
import { appsOf, narrowTo, type Actor } from '../../people/authors/actor.ts'
import type { AttentionService, WhereMay } from './attention-service.ts'

export function attentionRoutes({
  attention,
  resolveApp,
  publicUrl,
}: {
  attention: AttentionService
  resolveApp: ResolveApp
  publicUrl: PublicUrl
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/attention',
      {
        config: { access: 'apps:read' },
        schema: {
          tags: ['insights'],
          summary: 'What needs attention first: what does not mend itself, with what to do about it',
          description: 'Of everything that the caller may see, most severe first.',
          querystring: AttentionQuery,
          response: { 200: Attention },
        },
      },
      async (request) => {
        const { app: named } = request.query
        const appId = named === undefined ? null : (await resolveApp(request, named)).id
        return attention.list(appId, whereMayOf(request.actor), publicUrl(request))
      },
    )
  }
}

function whereMayOf(actor: Actor | null): WhereMay {
  return (permission) => {
    const narrowed = actor ? narrowTo(actor, permission) : undefined
    return narrowed ? appsOf(narrowed) : undefined
  }
}
