import { Announcement, AnnouncementFilter, PageQuery, pageOf } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problem } from '@hotpatch/protocol'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { appsOf, requireAllApps, requireApp, type Actor } from '../../people/authors/actor.ts'
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
  authorize: (request: FastifyRequest) => Promise<Actor>
}): FastifyPluginAsyncTypebox {
  /** The one that is named, else all that are the reader's; null: all. */
  async function readApps(request: FastifyRequest, named: string | undefined): Promise<readonly string[] | null> {
    return named === undefined ? appsOf(request.actor) : [(await resolveApp(request, named)).id]
  }

  /** Throws, too, when they are not all the reader's any more. */
  async function authorizeAgain(request: FastifyRequest, ofApps: readonly string[] | null): Promise<void> {
    const actor = await authorize(request)
    if (ofApps === null) requireAllApps(actor)
    for (const appId of ofApps ?? []) requireApp(actor, appId)
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
      async (request) => announcements.list(await readApps(request, request.query.app), readPageRequest(request.query)),
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
        const ofApps = await readApps(request, request.query.app)
        if (!/text\/event-stream|\*\/\*/.test(request.headers.accept ?? '')) {
          throw problem('not-acceptable', 'Expected the header "Accept: text/event-stream".')
        }
        const lastId = request.headers['last-event-id'] || undefined
        const reader = request.actor?.id ?? ''
        const stream = { ofApps, lastId, reader, authorize: () => authorizeAgain(request, ofApps) }
        await streams.open(reply.raw, stream, () => void reply.hijack())
      },
    )
  }
}
