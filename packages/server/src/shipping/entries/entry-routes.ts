import {
  ReleaseComparison,
  ReleaseComparisonQuery,
  ReleaseEntries,
  ReleaseEntryQuery,
  ReleaseForms,
} from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { requireApp } from '../../people/authors/actor.ts'
import type { ReleaseService } from '../releases/release-service.ts'
import type { EntryService } from './entry-service.ts'

const ReleaseParams = Type.Object({ id: Type.String() })

export function entryRoutes({
  entries,
  releases,
}: {
  entries: EntryService
  releases: ReleaseService
}): FastifyPluginAsyncTypebox {
  async function getRelease(request: FastifyRequest<{ Params: { id: string } }>) {
    const release = await releases.get(request.params.id)
    requireApp(request.actor, release.app_id)
    return release
  }

  return async (app) => {
    const config = { access: 'releases:read' } as const
    const common = { tags: ['releases'], params: ReleaseParams }

    app.get(
      '/releases/:id/entries',
      {
        config,
        schema: {
          ...common,
          summary: 'Every file that a release consists of, also what is in its zip',
          querystring: ReleaseEntryQuery,
          response: { 200: ReleaseEntries },
        },
      },
      async (request) => entries.list(await getRelease(request), request.query),
    )

    app.get(
      '/releases/:id/comparison',
      {
        config,
        schema: {
          ...common,
          summary: 'What a release has otherwise than the one before it, or than another one',
          querystring: ReleaseComparisonQuery,
          response: { 200: ReleaseComparison },
        },
      },
      async (request) => entries.compare(await getRelease(request), request.query),
    )

    app.get(
      '/releases/:id/forms',
      {
        config,
        schema: {
          ...common,
          summary: 'Smaller forms of the bytes of a release that the server has made',
          response: { 200: ReleaseForms },
        },
      },
      async (request) => entries.listForms(await getRelease(request)),
    )
  }
}
