import { PageQuery, pageOf, Release, ReleaseFile, ReleaseFilter } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { requireApp } from '../../people/authors/actor.ts'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import { readPageRequest, readTextPageRequest } from '../../ground/http/paging.ts'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import type { ReleaseService } from './release-service.ts'

export function releaseRoutes({
  releases,
  resolveApp,
  publicUrl,
}: {
  releases: ReleaseService
  resolveApp: ResolveApp
  publicUrl: PublicUrl
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/apps/:app/releases',
      {
        config: { access: 'releases:read' },
        schema: {
          tags: ['releases'],
          summary: 'Releases, newest first',
          params: AppParams,
          querystring: Type.Object({ ...ReleaseFilter.properties, ...PageQuery.properties }),
          response: { 200: pageOf(Release) },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return releases.list([found.id], request.query, readPageRequest(request.query), publicUrl(request))
      },
    )

    app.get(
      '/releases/:id',
      {
        config: { access: 'releases:read' },
        schema: {
          tags: ['releases'],
          summary: 'One release',
          params: Type.Object({ id: Type.String() }),
          response: { 200: Release },
        },
      },
      async (request) => {
        const release = await releases.get(request.params.id)
        requireApp(request.actor, release.app_id)
        return releases.show(release, publicUrl(request))
      },
    )

    app.get(
      '/releases/:id/files',
      {
        config: { access: 'releases:read' },
        schema: {
          tags: ['releases'],
          summary: 'The files of a release that devices may take one by one, in the order of their paths',
          params: Type.Object({ id: Type.String() }),
          querystring: PageQuery,
          response: { 200: pageOf(ReleaseFile) },
        },
      },
      async (request) => {
        const release = await releases.get(request.params.id)
        requireApp(request.actor, release.app_id)
        return releases.listFiles(release, readTextPageRequest(request.query), publicUrl(request))
      },
    )
  }
}
