import { InstallLink, InstallPage, NewInstallLink, NewInstallPage, pageOf } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import { authorOf } from '../../people/authors/author.ts'
import { requireChannel } from '../../people/authors/actor.ts'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import type { InstallPageService } from './install-page-service.ts'

const ChannelParams = Type.Object({ ...AppParams.properties, channel: Type.String() })

export function installPageRoutes({
  installPages,
  resolveApp,
  publicUrl,
}: {
  installPages: InstallPageService
  resolveApp: ResolveApp
  publicUrl: PublicUrl
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/apps/:app/install-pages',
      {
        config: { access: 'apps:read' },
        schema: {
          tags: ['install pages'],
          summary: 'The channels that have a page to install from',
          params: AppParams,
          response: { 200: pageOf(InstallPage) },
        },
      },
      async (request) => installPages.list(await resolveApp(request, request.params.app), publicUrl(request)),
    )

    app.put(
      '/apps/:app/install-pages/:channel',
      {
        config: { access: 'channels:change' },
        schema: {
          tags: ['install pages'],
          summary: "Opens a channel's install page, or changes whom it lets in: everybody is asked again",
          params: ChannelParams,
          body: NewInstallPage,
          response: { 200: InstallPage },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        const { channel } = request.params
        return installPages.put(found, channel, request.body, publicUrl(request), authorOf(request))
      },
    )

    app.delete(
      '/apps/:app/install-pages/:channel',
      {
        config: { access: 'channels:change' },
        schema: {
          tags: ['install pages'],
          summary: "Closes a channel's install page",
          params: ChannelParams,
          response: { 200: InstallPage },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return installPages.remove(found, request.params.channel, publicUrl(request), authorOf(request))
      },
    )

    app.post(
      '/apps/:app/install-pages/:channel/links',
      {
        config: { access: 'releases:publish' },
        schema: {
          tags: ['install pages'],
          summary: 'Makes a link that lets in whoever has it, until a time',
          params: ChannelParams,
          body: NewInstallLink,
          response: { 201: InstallLink },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        const { channel } = request.params
        requireChannel(request.actor, found.id, channel)
        const link = await installPages.link(found, channel, request.body, publicUrl(request), authorOf(request))
        return reply.code(201).send(link)
      },
    )
  }
}
