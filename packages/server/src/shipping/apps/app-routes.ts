import { App, AppChanges, NewApp, PageQuery, pageOf } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { authorOf } from '../../people/authors/author.ts'
import { readPageRequest } from '../../ground/http/paging.ts'
import type { AppService } from './app-service.ts'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'

export function appRoutes({
  apps,
  resolveApp,
}: {
  apps: AppService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/apps',
      {
        config: { access: 'apps:read' },
        schema: {
          tags: ['apps'],
          summary: 'Apps, newest first',
          querystring: PageQuery,
          response: { 200: pageOf(App) },
        },
      },
      (request) => apps.list(request.actor, readPageRequest(request.query)),
    )

    app.post(
      '/apps',
      {
        config: { access: 'apps:change' },
        schema: { tags: ['apps'], summary: 'Makes an app with its channels', body: NewApp, response: { 201: App } },
      },
      async (request, reply) => reply.code(201).send(await apps.create(request.body, authorOf(request))),
    )

    app.get(
      '/apps/:app',
      {
        config: { access: 'apps:read' },
        schema: { tags: ['apps'], summary: 'One app', params: AppParams, response: { 200: App } },
      },
      async (request) => apps.render(await resolveApp(request, request.params.app)),
    )

    app.patch(
      '/apps/:app',
      {
        config: { access: 'apps:change' },
        schema: {
          tags: ['apps'],
          summary: 'Changes an app',
          params: AppParams,
          body: AppChanges,
          response: { 200: App },
        },
      },
      async (request) => apps.change(await resolveApp(request, request.params.app), request.body, authorOf(request)),
    )

    app.delete(
      '/apps/:app',
      {
        config: { access: 'apps:change' },
        schema: {
          tags: ['apps'],
          summary: 'Deletes an app that was never used: without releases and devices',
          params: AppParams,
          response: { 200: App },
        },
      },
      async (request) => apps.remove(await resolveApp(request, request.params.app), authorOf(request)),
    )
  }
}
