import {
  Artifact,
  Base64,
  NewRelease,
  PublicKey,
  PublishedRelease,
  Release,
  ReleaseCheck,
  ReleasePreflight,
  Sha256,
} from '@hotpatch/api'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { problem } from '@hotpatch/protocol'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { AppService } from '../../shipping/apps/app-service.ts'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import { describeContent, type ContentService } from '../../shipping/content/content-service.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import { takeForms } from '../../ground/http/take-forms.ts'
import { createValidator } from '../../ground/http/validate.ts'
import type { ReleaseService } from '../../shipping/releases/release-service.ts'
import type { PreflightService } from './preflight-service.ts'
import type { Publishing } from './publishing-service.ts'
import { withUpload } from './receive-upload.ts'

const validateMetadata = createValidator(NewRelease, 'metadata')

const ArtifactParams = Type.Object({ app: Type.String(), sha256: Sha256 })

const PublishForm = Type.Object({
  metadata: NewRelease,
  bundle: Type.Optional(
    Type.String({ format: 'binary', description: 'The zip; may be absent when metadata.sha256 was uploaded before' }),
  ),
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
  preflight,
  contents,
  apps,
  releases,
  resolveApp,
  publicUrl,
  maxUploadBytes,
  maxBundleBytes,
}: {
  publishing: Publishing
  preflight: PreflightService
  contents: ContentService
  apps: AppService
  releases: ReleaseService
  resolveApp: ResolveApp
  publicUrl: PublicUrl
  /** Of the whole form. */
  maxUploadBytes: number
  maxBundleBytes: number
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    await takeForms(app)

    app.post(
      '/apps/:app/releases',
      {
        bodyLimit: maxUploadBytes,
        config: { access: 'releases:publish', form: PublishForm },
        schema: {
          tags: ['releases'],
          summary: 'Publishes: a release, and its first rollout',
          description:
            'Multipart: `metadata` (JSON of NewRelease), `bundle` (zip), and for a signed release `signature`, ' +
            '`statement`, `statementSignature` and `publicKey` in base64. `rollbackStatement` and ' +
            '`rollbackStatementSignature` state the release before again, for its guard to go back to; ' +
            '`earlierRollbackStatement` and `earlierRollbackStatementSignature` the one before that, or embedded. The same request again gets the same ' +
            'answer, with 200. Bytes that were uploaded before, under `metadata.sha256`, need not come along.',
          consumes: ['multipart/form-data'],
          params: AppParams,
          response: { 200: PublishedRelease, 201: PublishedRelease },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        const { published, isRepeated } = await withUpload(request, contents, async (upload) =>
          publishing.publish(
            found,
            validateMetadata(upload.metadata),
            upload.archive,
            upload.signatures,
            authorOf(request),
            publicUrl(request),
          ),
        )
        return reply.code(isRepeated ? 200 : 201).send(published)
      },
    )

    app.addContentTypeParser(
      ['application/zip', 'application/octet-stream'],
      (_request: FastifyRequest, payload: IncomingMessage, done: (error: null, body: IncomingMessage) => void) =>
        done(null, payload),
    )

    app.put(
      '/apps/:app/artifacts/:sha256',
      {
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'Uploads the zip of a release before the release',
          description: 'The body is the zip itself. It waits for a day; a release refers to it by `metadata.sha256`.',
          consumes: ['application/zip'],
          params: ArtifactParams,
          response: { 200: Artifact },
        },
      },
      async (request) => {
        await resolveApp(request, request.params.app)
        requireFits(request, maxBundleBytes)
        if (!(request.body instanceof Readable)) {
          throw problem('unsupported-media-type', 'Expected a zip as application/zip, found nothing.')
        }
        return {
          content: describeContent(await contents.upload(request.body, request.params.sha256), publicUrl(request)),
        }
      },
    )

    app.get(
      '/apps/:app/artifacts/:sha256',
      {
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'Whether these bytes are on the server already',
          params: ArtifactParams,
          response: { 200: Artifact },
        },
      },
      async (request) => {
        await resolveApp(request, request.params.app)
        const found = await contents.find(request.params.sha256)
        if (!found) throw problem('artifact-not-found', `No bytes with the SHA-256 ${request.params.sha256}.`)
        return { content: describeContent(found, publicUrl(request)) }
      },
    )

    app.post(
      '/apps/:app/releases/preflight',
      {
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'What a publish would be told, before anything is built, signed or sent; nothing is made',
          params: AppParams,
          body: ReleaseCheck,
          response: { 200: ReleasePreflight },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return preflight.check(found, request.body, publicUrl(request))
      },
    )

    app.delete(
      '/releases/:id',
      {
        config: { access: 'releases:archive' },
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

/** Before anything is read: whoever sends more would learn it after minutes. */
function requireFits(request: FastifyRequest, maxBytes: number): void {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > maxBytes) throw problem('body-too-large', `Expected at most ${maxBytes} bytes, found ${announced}.`)
}
