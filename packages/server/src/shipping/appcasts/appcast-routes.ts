import { Appcast, AppcastQuery, MAX_APPCAST_LENGTH, NewSignedAppcast } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import { authorOf } from '../../people/authors/author.ts'
import { requireChannel } from '../../people/authors/actor.ts'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import type { AppcastService } from './appcast-service.ts'

const ChannelParams = Type.Object({ ...AppParams.properties, channel: Type.String() })
/** In JSON a character takes up to six bytes. */
const MAX_BODY_BYTES = 6 * MAX_APPCAST_LENGTH + 1024

export function appcastRoutes({
  appcasts,
  resolveApp,
  publicUrl,
}: {
  appcasts: AppcastService
  resolveApp: ResolveApp
  publicUrl: PublicUrl
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/apps/:app/appcasts/:channel',
      {
        config: { access: 'apps:read' },
        schema: {
          tags: ['appcasts'],
          summary: "A channel's feed for Sparkle as it is now, and whether its publisher signed it",
          params: ChannelParams,
          querystring: AppcastQuery,
          response: { 200: Appcast },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return appcasts.get(found, request.params.channel, request.query, publicUrl(request))
      },
    )

    app.put(
      '/apps/:app/appcasts/:channel',
      {
        config: { access: 'releases:publish' },
        bodyLimit: MAX_BODY_BYTES,
        schema: {
          tags: ['appcasts'],
          summary: "Has a channel's feed served as its publisher signed it, as long as that is in force",
          params: ChannelParams,
          body: NewSignedAppcast,
          response: { 200: Appcast },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        const { channel } = request.params
        requireChannel(request.actor, found.id, channel)
        return appcasts.sign(found, channel, request.body, publicUrl(request), authorOf(request))
      },
    )
  }
}
