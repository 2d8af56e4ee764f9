import { AuditEntry, AuditFilter, PageQuery, pageOf } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { ResolveApp } from '../authors/resolve-app.ts'
import { readPageRequest } from '../../ground/http/paging.ts'
import type { AuditService } from './audit-service.ts'

export function auditRoutes({
  audit,
  resolveApp,
}: {
  audit: AuditService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
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
      async (request) => {
        const { app: named, action, subjectId } = request.query
        const appId = named === undefined ? (request.actor?.appId ?? null) : (await resolveApp(request, named)).id
        return audit.list({ appId, action, subjectId }, readPageRequest(request.query))
      },
    )
  }
}
