import type { Readable } from 'node:stream'
import { AuditEntry, AuditExportQuery, AuditFilter, AuditHead, PageQuery, pageOf } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { appsOf } from '../authors/actor.ts'
import { authorOf } from '../authors/author.ts'
import type { ResolveApp } from '../authors/resolve-app.ts'
import { readTimestamp } from '../../ground/clock.ts'
import { readPageRequest } from '../../ground/http/paging.ts'
import type { AuditExports } from './audit-export.ts'
import type { AuditSealer } from './audit-sealer.ts'
import type { AuditService } from './audit-service.ts'
import type { AuditQuery } from './audit-store.ts'

export function auditRoutes({
  audit,
  sealer,
  exports,
  resolveApp,
}: {
  audit: AuditService
  sealer: AuditSealer
  exports: AuditExports
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  async function readQuery(request: FastifyRequest, filter: AuditFilter): Promise<AuditQuery> {
    const { app: named, from, to, action, actor, subjectId, text } = filter
    return {
      appIds: named === undefined ? appsOf(request.actor) : [(await resolveApp(request, named)).id],
      // With a dot or without one at its end, it is the same question.
      action: action?.replace(/\.$/, ''),
      actor,
      subjectId,
      from: from === undefined ? undefined : readTimestamp(from, 'from'),
      to: to === undefined ? undefined : readTimestamp(to, 'to'),
      text,
    }
  }

  return async (app) => {
    app.get(
      '/audit',
      {
        config: { access: 'audit:read' },
        schema: {
          tags: ['audit'],
          summary: 'Who did what, newest first',
          querystring: Type.Object({ ...AuditFilter.properties, ...PageQuery.properties }),
          response: { 200: pageOf(AuditEntry) },
        },
      },
      async (request) => audit.list(await readQuery(request, request.query), readPageRequest(request.query)),
    )

    app.get(
      '/audit/entries/:id',
      {
        config: { access: 'audit:read' },
        schema: {
          tags: ['audit'],
          summary: 'One entry',
          params: Type.Object({ id: Type.String() }),
          response: { 200: AuditEntry },
        },
      },
      (request) => audit.get(request.params.id, appsOf(request.actor)),
    )

    app.get(
      '/audit/head',
      {
        config: { access: 'audit:read' },
        schema: {
          tags: ['audit'],
          summary: 'The end of the chain that the audit log is',
          response: { 200: AuditHead },
        },
      },
      () => sealer.getHead(),
    )

    app.get(
      '/audit/export',
      {
        config: { access: 'audit:read' },
        // Nobody reads all of it for nothing.
        exposeHeadRoute: false,
        schema: {
          tags: ['audit'],
          summary: 'All of it with its seals, oldest first: one JSON value a line',
          description:
            'The last line is of the kind `end`; an export without it broke off. `after` goes on behind a position.',
          querystring: AuditExportQuery,
          response: {
            200: {
              description: 'Lines',
              content: { 'application/x-ndjson': { schema: Type.Unsafe<Readable>({ type: 'string' }) } },
            },
          },
        },
      },
      async (request, reply) => {
        const query = await readQuery(request, request.query)
        const { actor } = authorOf(request)
        const reader = actor.personId ?? actor.id
        const head = await sealer.getHead()
        const stream = exports.start({ query, after: request.query.after ?? 0, head, reader })
        reply.type('application/x-ndjson').header('content-disposition', 'attachment; filename="audit.ndjson"')
        return reply.send(stream)
      },
    )
  }
}
