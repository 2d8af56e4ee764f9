import { ChannelName, ChannelProtection, NewChannelProtection } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { ProtectionService } from './protection-service.ts'

const ChannelParams = Type.Object({ ...AppParams.properties, channel: ChannelName })

export function protectionRoutes({
  protections,
  resolveApp,
}: {
  protections: ProtectionService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  const tags = ['channels']
  return async (app) => {
    app.get(
      '/apps/:app/protections',
      {
        config: { access: 'apps:read' },
        schema: {
          tags,
          summary: 'Channels on which only some may publish',
          params: AppParams,
          response: { 200: Type.Object({ items: Type.Array(ChannelProtection) }) },
        },
      },
      async (request) => ({ items: await protections.list(await resolveApp(request, request.params.app)) }),
    )

    app.put(
      '/apps/:app/channels/:channel/protection',
      {
        config: { access: 'channels:protect' },
        schema: {
          tags,
          summary: 'Says who may publish to a channel, and whether a second person has to approve it',
          params: ChannelParams,
          body: NewChannelProtection,
          response: { 200: ChannelProtection },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return protections.protect(found, request.params.channel, request.body, authorOf(request))
      },
    )

    app.delete(
      '/apps/:app/channels/:channel/protection',
      {
        config: { access: 'channels:protect' },
        schema: {
          tags,
          summary: 'Opens a channel to everybody who may change rollouts',
          params: ChannelParams,
          response: { 200: ChannelProtection },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return protections.unprotect(found, request.params.channel, authorOf(request))
      },
    )
  }
}
