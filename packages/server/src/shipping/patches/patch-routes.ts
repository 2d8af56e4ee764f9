import { Id, NewPatch, Patch, Patches, PatchFilter } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { authorOf } from '../../people/authors/author.ts'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import type { PatchService } from './patch-service.ts'

const PatchParams = Type.Object({ app: Type.String(), id: Id })

export function patchRoutes({
  patches,
  resolveApp,
}: {
  patches: PatchService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/apps/:app/patches',
      {
        config: { access: 'releases:read' },
        schema: {
          tags: ['releases'],
          summary: 'Patches between bundles, and those that are wanted or were tried; the 200 newest',
          params: AppParams,
          querystring: PatchFilter,
          response: { 200: Patches },
        },
      },
      async (request) => patches.list(await resolveApp(request, request.params.app), request.query),
    )

    app.get(
      '/apps/:app/patches/:id',
      {
        config: { access: 'releases:read' },
        schema: { tags: ['releases'], summary: 'One patch', params: PatchParams, response: { 200: Patch } },
      },
      async (request) => patches.get(await resolveApp(request, request.params.app), request.params.id),
    )

    app.post(
      '/apps/:app/patches',
      {
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'Has a patch made from one release to another',
          description:
            'In the background, before those that the server makes by itself. One that is there stays; one that was ' +
            'pruned, or of which nothing came, is tried again.',
          params: AppParams,
          body: NewPatch,
          response: { 202: Patch },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        return reply.code(202).send(await patches.make(found, request.body, authorOf(request)))
      },
    )

    app.delete(
      '/apps/:app/patches/:id',
      {
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'Removes a patch, or has it not made; the server makes it again only when it is told to',
          params: PatchParams,
          response: { 200: Patch },
        },
      },
      async (request) =>
        patches.prune(await resolveApp(request, request.params.app), request.params.id, authorOf(request)),
    )
  }
}
