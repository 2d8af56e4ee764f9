import { Channel, ChannelChanges, NewChannel, pageOf } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { ChannelService } from './channel-service.ts'

const ChannelParams = Type.Object({ ...AppParams.properties, channel: Type.String() })

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
        return reply.code(201).send(await channels.create(found, request.body, authorOf(request)))
      },
    )

    app.patch(
      '/apps/:app/channels/:channel',
      {
        config: { access: 'channels:change' },
        schema: {
          tags: ['channels'],
          summary: 'Says whether devices may choose a channel by themselves',
          params: ChannelParams,
          body: ChannelChanges,
          response: { 200: Channel },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return channels.change(found, request.params.channel, request.body, authorOf(request))
      },
    )

    app.delete(
      '/apps/:app/channels/:channel',
      {
        config: { access: 'channels:change' },
        schema: {
          tags: ['channels'],
          summary: 'Deletes a channel on which nothing was ever placed',
          params: ChannelParams,
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
