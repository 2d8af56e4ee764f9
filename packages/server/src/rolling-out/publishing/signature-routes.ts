import { AddedSignatures, NewAddedSignatures, Sha256, SignatureSchemeName } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { authorOf } from '../../people/authors/author.ts'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import type { SignatureService } from './signature-service.ts'

const ReleaseParams = Type.Object({ ...AppParams.properties, id: Type.String() })

export function signatureRoutes({
  signatures,
  resolveApp,
}: {
  signatures: SignatureService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/apps/:app/releases/:id/signatures',
      {
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary:
            'Adds signatures of a further scheme, held against the bytes, all or none; the same again changes nothing',
          params: ReleaseParams,
          body: NewAddedSignatures,
          response: { 200: AddedSignatures },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return signatures.add(found, request.params.id, request.body, authorOf(request))
      },
    )

    app.delete(
      '/apps/:app/releases/:id/signatures/:scheme',
      {
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'Removes all signatures of a further scheme',
          params: Type.Object({ ...ReleaseParams.properties, scheme: SignatureSchemeName }),
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        await signatures.remove(found, request.params.id, request.params, authorOf(request))
        return reply.code(204).send(null)
      },
    )

    app.delete(
      '/apps/:app/releases/:id/signatures/:scheme/:subject',
      {
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'Removes a signature of a further scheme',
          params: Type.Object({ ...ReleaseParams.properties, scheme: SignatureSchemeName, subject: Sha256 }),
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        await signatures.remove(found, request.params.id, request.params, authorOf(request))
        return reply.code(204).send(null)
      },
    )
  }
}
