import { ChannelKey, NewChannelKey, pageOf } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { authorOf } from '../../people/authors/author.ts'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import type { ChannelKeyService } from './channel-key-service.ts'

export function channelKeyRoutes({
  channelKeys,
  resolveApp,
}: {
  channelKeys: ChannelKeyService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/apps/:app/channel-keys',
      {
        config: { access: 'apps:read' },
        schema: {
          tags: ['channels'],
          summary: 'Keys that name the app and one of its channels, oldest first',
          params: AppParams,
          response: { 200: pageOf(ChannelKey) },
        },
      },
      async (request) => channelKeys.list(await resolveApp(request, request.params.app)),
    )

    app.post(
      '/apps/:app/channel-keys',
      {
        config: { access: 'channels:change' },
        schema: {
          tags: ['channels'],
          summary: 'Makes a key for a channel, or takes one that binaries have already',
          params: AppParams,
          body: NewChannelKey,
          response: { 201: ChannelKey },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        return reply.code(201).send(await channelKeys.create(found, request.body, authorOf(request)))
      },
    )

    app.post(
      '/apps/:app/channel-keys/:keyId/revoke',
      {
        config: { access: 'channels:change' },
        schema: {
          tags: ['channels'],
          summary: 'Revokes a channel key: devices that have no other are refused',
          params: Type.Object({ ...AppParams.properties, keyId: Type.String() }),
          response: { 200: ChannelKey },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return channelKeys.revoke(found, request.params.keyId, authorOf(request))
      },
    )
  }
}
