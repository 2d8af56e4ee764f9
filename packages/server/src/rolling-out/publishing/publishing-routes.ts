import {
  Artifact,
  Base64,
  BinaryFileName,
  NewRelease,
  OneOf,
  PublicKey,
  PublishedRelease,
  Release,
  ReleaseCheck,
  ReleasePreflight,
  Sha256,
  UPLOAD_KINDS,
} from '@hotpatch/api'
import { Readable } from 'node:stream'
import { problem } from '@hotpatch/protocol'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { AppService } from '../../shipping/apps/app-service.ts'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import { describeUpload, type ContentService } from '../../shipping/content/content-service.ts'
import type { FileUploads } from '../../shipping/content/files/file-uploads.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import { requireFits, takeBytes } from '../../ground/http/take-bytes.ts'
import { takeForms } from '../../ground/http/take-forms.ts'
import { readNewRelease } from './read-new-release.ts'
import type { ReleaseService } from '../../shipping/releases/release-service.ts'
import type { PreflightService } from './preflight-service.ts'
import type { Publishing } from './publishing-service.ts'
import { withUpload } from './receive-upload.ts'

const ArtifactParams = Type.Object({ app: Type.String(), sha256: Sha256 })
const uploadKind = { default: 'archive', description: 'What the bytes are for' }
const UploadKind = OneOf(UPLOAD_KINDS, uploadKind)
const ContentKindOfUpload = OneOf(['archive', 'binary', 'files', 'kit'], uploadKind)

const PublishForm = Type.Object({
  metadata: NewRelease,
  bundle: Type.Optional(
    Type.String({
      format: 'binary',
      description: 'The zip of an archive; absent when what metadata.content names was uploaded before',
    }),
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
  files,
  apps,
  releases,
  resolveApp,
  publicUrl,
  maxUploadBytes,
}: {
  publishing: Publishing
  preflight: PreflightService
  contents: ContentService
  files: FileUploads
  apps: AppService
  releases: ReleaseService
  resolveApp: ResolveApp
  publicUrl: PublicUrl
  /** Of the whole form. */
  maxUploadBytes: number
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
            'answer, with 200. What `metadata.content` names was uploaded before: each file of a binary, and a zip that ' +
            'does not come along. Without bytes, the same may be sent as JSON.',
          consumes: ['multipart/form-data', 'application/json'],
          params: AppParams,
          response: { 200: PublishedRelease, 201: PublishedRelease },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        const { published, isRepeated } = await withUpload(request, contents, async (upload) =>
          publishing.publish(
            found,
            readNewRelease(upload.metadata),
            upload.archive,
            upload.signatures,
            authorOf(request),
            publicUrl(request),
          ),
        )
        return reply.code(isRepeated ? 200 : 201).send(published)
      },
    )

    takeBytes(app, ['application/zip', 'application/octet-stream'])

    app.put(
      '/apps/:app/artifacts/:sha256',
      {
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'Uploads the bytes of a release before the release',
          description:
            'The body is the zip of an archive, with `kind=binary` and its `name` one file of a binary, with ' +
            '`kind=asset` one file of a release of the kinds files and kit, and when all those are there, with `kind=files` ' +
            'the files.json that lists them, or with `kind=kit` the kit.json that says what they are. It waits for a day; a release refers to it by its SHA-256 in `metadata.content`.',
          consumes: ['application/zip', 'application/octet-stream'],
          params: ArtifactParams,
          querystring: Type.Object({ kind: UploadKind, name: Type.Optional(BinaryFileName) }),
          response: { 200: Artifact },
        },
      },
      async (request) => {
        const { id: appId } = await resolveApp(request, request.params.app)
        const { kind, name } = request.query
        requireFits(request, kind === 'asset' ? contents.limits.maxBytes : contents.maxUploadBytes(kind))
        if (!(request.body instanceof Readable)) {
          const expected = 'a zip as application/zip, or any file as application/octet-stream'
          throw problem('unsupported-media-type', `Expected ${expected}, found nothing.`)
        }
        const { sha256 } = request.params
        if (kind === 'asset') return { kind, ...(await files.upload(appId, { sha256, bytes: request.body })) }
        const upload = await contents.upload(appId, request.body, sha256, { kind, name })
        return describeUpload(upload, publicUrl(request))
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
          querystring: Type.Object({ kind: ContentKindOfUpload }),
          response: { 200: Artifact },
        },
      },
      async (request) => {
        const { id: appId } = await resolveApp(request, request.params.app)
        const { kind } = request.query
        const found = await contents.find(appId, request.params.sha256, kind)
        if (found) return describeUpload(found, publicUrl(request))
        throw problem('artifact-not-found', `No bytes of the kind ${kind} with the SHA-256 ${request.params.sha256}.`)
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
        return preflight.check(found, request.body, authorOf(request), publicUrl(request))
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
