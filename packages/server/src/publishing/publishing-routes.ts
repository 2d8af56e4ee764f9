import { Base64, NewRelease, PublicKey, PublishedRelease, Release } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { AppService } from '../apps/app-service.ts'
import { AppParams, type ResolveApp } from '../apps/resolve-app.ts'
import type { ArtifactService } from '../artifacts/artifact-service.ts'
import { authorOf } from '../audit/audit-service.ts'
import type { PublicUrl } from '../http/public-url.ts'
import { takeForms } from '../http/take-forms.ts'
import { createValidator } from '../http/validate.ts'
import type { ReleaseService } from '../releases/release-service.ts'
import type { Publishing } from './publishing-service.ts'
import { receiveUpload } from './receive-upload.ts'

const validateMetadata = createValidator(NewRelease, 'metadata')

const PublishForm = Type.Object({
  metadata: NewRelease,
  bundle: Type.String({ format: 'binary', description: 'The zip' }),
  signature: Type.Optional(Base64),
  statement: Type.Optional(Base64),
  statementSignature: Type.Optional(Base64),
  rollbackStatement: Type.Optional(Base64),
  rollbackStatementSignature: Type.Optional(Base64),
  earlierRollbackStatement: Type.Optional(Base64),
  earlierRollbackStatementSignature: Type.Optional(Base64),
  publicKey: Type.Optional(PublicKey),
})

export function publishingRoutes({
  publishing,
  artifacts,
  apps,
  releases,
  resolveApp,
  publicUrl,
  maxUploadBytes,
}: {
  publishing: Publishing
  artifacts: ArtifactService
  apps: AppService
  releases: ReleaseService
  resolveApp: ResolveApp
  publicUrl: PublicUrl
  maxUploadBytes: number
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    await takeForms(app)

    app.post(
      '/apps/:app/releases',
      {
        bodyLimit: maxUploadBytes,
        config: { access: 'publisher', form: PublishForm },
        schema: {
          tags: ['releases'],
          summary: 'Publishes: a release, and its first rollout',
          description:
            'Multipart: `metadata` (JSON of NewRelease), `bundle` (zip), and for a signed release `signature`, ' +
            '`statement`, `statementSignature` and `publicKey` in base64. `rollbackStatement` and ' +
            '`rollbackStatementSignature` state the release before again, for its guard to go back to; ' +
            '`earlierRollbackStatement` and `earlierRollbackStatementSignature` the one before that, or embedded.',
          consumes: ['multipart/form-data'],
          params: AppParams,
          response: { 201: PublishedRelease },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        const upload = await receiveUpload(request, artifacts)
        try {
          const published = await publishing.publish(
            found,
            validateMetadata(upload.metadata),
            upload.archive,
            upload.signatures,
            authorOf(request),
            publicUrl(request),
          )
          return await reply.code(201).send(published)
        } finally {
          await upload.archive.discard()
        }
      },
    )

    app.delete(
      '/releases/:id',
      {
        config: { access: 'publisher' },
        schema: {
          tags: ['releases'],
          summary: 'Archives a release and withdraws its rollouts; its bytes stay',
          params: Type.Object({ id: Type.String() }),
          response: { 200: Release },
        },
      },
      async (request) => {
        const release = await releases.get(request.params.id)
        const found = await apps.resolve(request.actor, release.app_id)
        return publishing.archive(found, release.id, authorOf(request), publicUrl(request))
      },
    )
  }
}
