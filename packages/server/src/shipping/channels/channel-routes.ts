import { Channel, NewChannel, pageOf } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { ChannelService } from './channel-service.ts'

export function channelRoutes({
  channels,
  resolveApp,
}: {
  channels: ChannelService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/apps/:app/channels',
      {
        config: { access: 'apps:read' },
        schema: {
          tags: ['channels'],
          summary: 'Channels, oldest first',
          params: AppParams,
          response: { 200: pageOf(Channel) },
        },
      },
      async (request) => channels.list(await resolveApp(request, request.params.app)),
    )

    app.post(
      '/apps/:app/channels',
      {
        config: { access: 'channels:change' },
        schema: {
          tags: ['channels'],
          summary: 'Makes a channel',
          params: AppParams,
          body: NewChannel,
          response: { 201: Channel },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        return reply.code(201).send(await channels.create(found, request.body.name, authorOf(request)))
      },
    )

    app.delete(
      '/apps/:app/channels/:channel',
      {
        config: { access: 'channels:change' },
        schema: {
          tags: ['channels'],
          summary: 'Deletes a channel on which nothing was ever placed',
          params: Type.Object({ ...AppParams.properties, channel: Type.String() }),
          response: { 200: Channel },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return channels.remove(found, request.params.channel, authorOf(request))
      },
    )
  }
}
