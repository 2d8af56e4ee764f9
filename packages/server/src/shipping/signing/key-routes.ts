import { KeyAlgorithm, NewSigningKey, pageOf, SigningKey } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { KeyService } from './key-service.ts'

export function keyRoutes({
  keys,
  resolveApp,
}: {
  keys: KeyService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/apps/:app/keys',
      {
        config: { access: 'apps:read' },
        schema: {
          tags: ['keys'],
          summary: 'Signing keys of one algorithm',
          params: AppParams,
          querystring: Type.Object({ algorithm: Type.Optional({ ...KeyAlgorithm, default: 'ed25519' }) }),
          response: { 200: pageOf(SigningKey) },
        },
      },
      async (request) => keys.list(await resolveApp(request, request.params.app), request.query.algorithm),
    )

    app.post(
      '/apps/:app/keys',
      {
        config: { access: 'keys:change' },
        schema: {
          tags: ['keys'],
          summary: 'Registers a signing key; from the first of Ed25519 on the app takes signed releases only',
          params: AppParams,
          body: NewSigningKey,
          response: { 201: SigningKey },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        return reply.code(201).send(await keys.add(found, request.body, authorOf(request)))
      },
    )

    app.post(
      '/apps/:app/keys/:keyId/revoke',
      {
        config: { access: 'keys:change' },
        schema: {
          tags: ['keys'],
          summary: 'Revokes a signing key: nothing new is taken that it signed',
          params: Type.Object({ ...AppParams.properties, keyId: Type.String() }),
          response: { 200: SigningKey },
        },
      },
      async (request) =>
        keys.revoke(await resolveApp(request, request.params.app), request.params.keyId, authorOf(request)),
    )
  }
}
