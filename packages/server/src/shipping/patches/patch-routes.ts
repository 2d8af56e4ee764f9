import { Readable } from 'node:stream'
import { Id, NewPatch, Patch, Patches, PatchFilter, SentPatchQuery } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problem } from '@hotpatch/protocol'
import { Type } from 'typebox'
import { requireFits, takeBytes } from '../../ground/http/take-bytes.ts'
import { authorOf } from '../../people/authors/author.ts'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import type { PatchService } from './patch-service.ts'
import type { SentPatches } from './sent-patches.ts'

const PatchParams = Type.Object({ app: Type.String(), id: Id })

export function patchRoutes({
  patches,
  sentPatches,
  resolveApp,
  maxBytes,
}: {
  patches: PatchService
  sentPatches: SentPatches
  resolveApp: ResolveApp
  /** Of one that is sent. */
  maxBytes: number
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    takeBytes(app, ['application/octet-stream'])

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

    app.put(
      '/apps/:app/patches',
      {
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'Sends a patch to an encrypted release, made where its key is',
          description:
            'The body is the patch, encrypted for the keys of the release that it leads to. The same again is answered ' +
            'the same; another in the same packing takes its place.',
          consumes: ['application/octet-stream'],
          params: AppParams,
          querystring: SentPatchQuery,
          response: { 200: Patch },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        requireFits(request, maxBytes)
        if (!(request.body instanceof Readable)) {
          throw problem('unsupported-media-type', 'Expected a patch as application/octet-stream, found nothing.')
        }
        return sentPatches.send(found, request.query, request.body, authorOf(request))
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
