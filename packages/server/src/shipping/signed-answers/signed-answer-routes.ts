import { Id, NewSignedAnswers, SignedAnswer, SignedAnswerFilter, StoredSignedAnswers } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { authorOf } from '../../people/authors/author.ts'
import { Type } from 'typebox'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import type { SignedAnswerService } from './signed-answer-service.ts'

const AnswerParams = Type.Object({ app: Type.String(), id: Id })

const MAX_BYTES = 32 * 1024 * 1024

export function signedAnswerRoutes({
  signedAnswers,
  resolveApp,
}: {
  signedAnswers: SignedAnswerService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/apps/:app/signed-answers',
      {
        bodyLimit: MAX_BYTES,
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'Adds answers that their publisher has signed to the last byte',
          description:
            'For clients of Expo Updates with a certificate: manifests of what was uploaded, before or after it is ' +
            'published, and ways back to embedded. Each has to be what the server would itself have said. All of them ' +
            'are taken, or none.',
          params: AppParams,
          body: NewSignedAnswers,
          response: { 200: StoredSignedAnswers },
        },
      },
      async (request) =>
        signedAnswers.add(await resolveApp(request, request.params.app), request.body, authorOf(request)),
    )

    app.get(
      '/apps/:app/signed-answers',
      {
        config: { access: 'apps:read' },
        schema: {
          tags: ['releases'],
          summary: 'Signed answers, newest first',
          params: AppParams,
          querystring: SignedAnswerFilter,
          response: { 200: StoredSignedAnswers },
        },
      },
      async (request) => signedAnswers.list(await resolveApp(request, request.params.app), request.query),
    )

    app.get(
      '/apps/:app/signed-answers/:id',
      {
        config: { access: 'apps:read' },
        schema: {
          tags: ['releases'],
          summary: 'One signed answer, to the last byte',
          params: AnswerParams,
          response: { 200: SignedAnswer },
        },
      },
      async (request) => signedAnswers.get(await resolveApp(request, request.params.app), request.params.id),
    )
  }
}
