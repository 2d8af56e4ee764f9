import { Announcement, AnnouncementFilter, PageQuery, pageOf } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problem } from '@hotpatch/protocol'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { ResolveApp } from '../../people/authors/resolve-app.ts'
import { readPageRequest } from '../../ground/http/paging.ts'
import type { AnnouncementService } from './announcement-service.ts'
import type { AnnouncementStreams } from './announcement-streams.ts'

export function announcementRoutes({
  announcements,
  streams,
  resolveApp,
  authorize,
}: {
  announcements: AnnouncementService
  streams: AnnouncementStreams
  resolveApp: ResolveApp
  /** Throws when the request's token may not read any more. */
  authorize: (request: FastifyRequest) => Promise<unknown>
}): FastifyPluginAsyncTypebox {
  /** Of the app that is named, else of the one that the token is for, else of all. */
  async function readAppId(request: FastifyRequest, named: string | undefined): Promise<string | null> {
    return named === undefined ? (request.actor?.appId ?? null) : (await resolveApp(request, named)).id
  }

  return async (app) => {
    app.get(
      '/announcements',
      {
        config: { access: 'announcements:read' },
        schema: {
          tags: ['announcements'],
          summary: 'What happened, newest first; the last 30 days',
          querystring: Type.Object({ ...AnnouncementFilter.properties, ...PageQuery.properties }),
          response: { 200: pageOf(Announcement) },
        },
      },
      async (request) =>
        announcements.list(await readAppId(request, request.query.app), readPageRequest(request.query)),
    )

    app.get(
      '/stream',
      {
        config: { access: 'announcements:read' },
        schema: {
          tags: ['announcements'],
          summary: 'What happens, as it happens: server-sent events',
          description:
            'Each event has the type of the announcement, its id, and as data the announcement. Last-Event-ID resumes; ' +
            'the event `reset` says that more was missed than is told, and that everything has to be read anew.',
          querystring: AnnouncementFilter,
          headers: Type.Object({ 'last-event-id': Type.Optional(Type.String({ maxLength: 100 })) }),
          response: {
            200: { description: 'The stream', content: { 'text/event-stream': { schema: Type.String() } } },
          },
        },
      },
      async (request, reply) => {
        const appId = await readAppId(request, request.query.app)
        if (!/text\/event-stream|\*\/\*/.test(request.headers.accept ?? '')) {
          throw problem('not-acceptable', 'Expected the header "Accept: text/event-stream".')
        }
        const lastId = request.headers['last-event-id'] || undefined
        const reader = request.actor?.tokenId ?? ''
        const stream = { appId, lastId, reader, authorize: () => authorize(request) }
        await streams.open(reply.raw, stream, () => void reply.hijack())
      },
    )
  }
}
