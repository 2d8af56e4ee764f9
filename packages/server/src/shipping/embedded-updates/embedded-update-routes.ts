import { EmbeddedUpdate, EmbeddedUpdates, NewEmbeddedUpdate } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { authorOf } from '../../people/authors/author.ts'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import type { EmbeddedUpdateService } from './embedded-update-service.ts'

const { platform, id } = EmbeddedUpdate.properties
const UpdateParams = Type.Object({ app: Type.String(), platform, id })

export function embeddedUpdateRoutes({
  embeddedUpdates,
  resolveApp,
}: {
  embeddedUpdates: EmbeddedUpdateService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/apps/:app/embedded-updates',
      {
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'Adds what a binary shipped with',
          description:
            'Its bytes are uploaded before, by `PUT /apps/{app}/artifacts/{sha256}?kind=asset` the bundle of an Expo app, ' +
            'and by `?kind=archive` a zip of all of it, and are kept from then on. Of an archive the server finds the id, ' +
            'and makes patches. The same again changes nothing.',
          params: AppParams,
          body: NewEmbeddedUpdate,
          response: { 200: EmbeddedUpdate },
        },
      },
      async (request) =>
        embeddedUpdates.add(await resolveApp(request, request.params.app), request.body, authorOf(request)),
    )

    app.get(
      '/apps/:app/embedded-updates',
      {
        config: { access: 'apps:read' },
        schema: {
          tags: ['releases'],
          summary: 'What binaries shipped with, those that were built last first',
          params: AppParams,
          response: { 200: EmbeddedUpdates },
        },
      },
      async (request) => embeddedUpdates.list(await resolveApp(request, request.params.app)),
    )

    app.get(
      '/apps/:app/embedded-updates/:platform/:id',
      {
        config: { access: 'apps:read' },
        schema: {
          tags: ['releases'],
          summary: 'What one binary shipped with',
          params: UpdateParams,
          response: { 200: EmbeddedUpdate },
        },
      },
      async (request) => embeddedUpdates.get(await resolveApp(request, request.params.app), request.params),
    )

    app.delete(
      '/apps/:app/embedded-updates/:platform/:id',
      {
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'Forgets what a binary shipped with; its bytes stay',
          params: UpdateParams,
          response: { 200: EmbeddedUpdate },
        },
      },
      async (request) =>
        embeddedUpdates.remove(await resolveApp(request, request.params.app), request.params, authorOf(request)),
    )
  }
}
