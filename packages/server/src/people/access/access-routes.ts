import {
  ApiToken,
  CreatedApiToken,
  NewApiToken,
  PageQuery,
  pageOf,
  PermissionEntry,
  RevocationQuery,
  RevokedApiToken,
  TokenFilter,
  Whoami,
  type ServerAdvice,
} from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { appsOf, onlyAppOf, roleOf, type Grant } from '../authors/actor.ts'
import type { ResolveApp } from '../authors/resolve-app.ts'
import { authorOf } from '../authors/author.ts'
import { listPermissions } from '../authors/permissions.ts'
import { nullableTimestamp, timestamp, type Clock } from '../../ground/clock.ts'
import { readPageRequest } from '../../ground/http/paging.ts'
import type { AccessService } from './access-service.ts'

export function accessRoutes({
  access,
  resolveApp,
  clock,
  version,
  advise,
}: {
  access: AccessService
  resolveApp: ResolveApp
  clock: Clock
  version: string
  advise: () => ServerAdvice[]
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/whoami',
      {
        config: { access: 'self:read' },
        schema: { tags: ['access'], summary: 'Who asks, and what he may do where', response: { 200: Whoami } },
      },
      (request): Whoami => {
        const { actor } = authorOf(request)
        return {
          kind: actor.kind,
          id: actor.id,
          tokenId: actor.kind === 'token' ? actor.id : null,
          personId: actor.personId,
          name: actor.name,
          role: roleOf(actor),
          appId: onlyAppOf(actor),
          grants: actor.grants.map(renderGrant),
          expiresAt: nullableTimestamp(actor.expiresAt),
          serverVersion: version,
          serverTime: timestamp(clock.now()),
          advice: advise(),
        }
      },
    )

    app.get(
      '/permissions',
      {
        config: { access: 'self:read' },
        schema: {
          tags: ['access'],
          summary: 'The table of what somebody may do, and which roles let them',
          response: { 200: Type.Object({ items: Type.Array(PermissionEntry) }) },
        },
      },
      () => ({ items: listPermissions() }),
    )

    app.get(
      '/tokens',
      {
        config: { access: 'tokens:manage' },
        schema: {
          tags: ['access'],
          summary: 'API tokens, newest first',
          querystring: Type.Object({ ...TokenFilter.properties, ...PageQuery.properties }),
          response: { 200: pageOf(ApiToken) },
        },
      },
      (request) => access.list(readPageRequest(request.query), request.query, appsOf(request.actor)),
    )

    app.get(
      '/tokens/:id/made',
      {
        config: { access: 'tokens:manage' },
        schema: {
          tags: ['access'],
          summary: 'Tokens that were made with it, at any remove, and still work: they end with it',
          params: Type.Object({ id: Type.String() }),
          response: { 200: Type.Object({ items: Type.Array(ApiToken) }) },
        },
      },
      async (request) => ({ items: await access.listMadeWith(request.params.id, appsOf(request.actor)) }),
    )

    app.post(
      '/tokens',
      {
        config: { access: 'tokens:manage' },
        schema: {
          tags: ['access'],
          summary: 'Makes an API token; its secret is shown once',
          body: NewApiToken,
          response: { 201: CreatedApiToken },
        },
      },
      async (request, reply) => {
        const appId = request.body.app === undefined ? null : (await resolveApp(request, request.body.app)).id
        return reply.code(201).send(await access.create(request.body, appId, authorOf(request)))
      },
    )

    app.post(
      '/tokens/own/revoke',
      {
        // Any token may: a job that is done, or whoever has found one.
        config: { access: 'self:read' },
        schema: {
          tags: ['access'],
          summary: 'Ends the token that asks, as it is ended by its id',
          response: { 200: RevokedApiToken },
        },
      },
      (request) => access.revokeOwn(authorOf(request)),
    )

    app.post(
      '/tokens/:id/revoke',
      {
        config: { access: 'tokens:manage' },
        schema: {
          tags: ['access'],
          summary: 'Ends a token, every access token of it and, at any remove, every token that was made with it',
          params: Type.Object({ id: Type.String() }),
          querystring: RevocationQuery,
          response: { 200: RevokedApiToken },
        },
      },
      (request) => access.revoke(request.params.id, authorOf(request), request.query),
    )
  }
}

function renderGrant({ role, appId, channels, permissions }: Grant): Whoami['grants'][number] {
  return { role, appId, channels: channels && [...channels], permissions: [...permissions] }
}
