import {
  ChannelName,
  NewArchiveContent,
  NewRelease,
  PageQuery,
  type PublishedRelease,
  ReleaseFilter,
  Rollout,
} from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { AppService } from '../../shipping/apps/app-service.ts'
import type { ContentService } from '../../shipping/content/content-service.ts'
import { appsOf } from '../../people/authors/actor.ts'
import { authorOf } from '../../people/authors/author.ts'
import { readPageRequest } from '../../ground/http/paging.ts'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import { takeForms } from '../../ground/http/take-forms.ts'
import { createValidator } from '../../ground/http/validate.ts'
import type { ReleaseRow, ReleaseService } from '../../shipping/releases/release-service.ts'
import type { Publishing } from '../../rolling-out/publishing/publishing-service.ts'
import {
  ContractPublished,
  ContractRelease,
  ContractReleasePage,
  flattenPage,
  flattenPublished,
  flattenRelease,
} from './flat-release.ts'
import { withUpload, type ReceivedUpload } from '../../rolling-out/publishing/receive-upload.ts'
import type { RolloutService } from '../../rolling-out/rollouts/rollout-service.ts'
import { resolveNamedApp } from '../resolve-named-app.ts'

const { content: _content, versionCode: _versionCode, ...ofRelease } = NewRelease.properties
const { kind: _kind, ...ofZip } = NewArchiveContent.properties

/** React Native §6: the contract's fields; `hash` and `rollout_percentage` are our sha256 and percentage. */
const ContractMetadata = Type.Object(
  {
    ...ofRelease,
    ...ofZip,
    app: Type.Optional(Type.String({ maxLength: 64 })),
    appId: Type.Optional(Type.String({ maxLength: 64 })),
    hash: ofZip.sha256,
    rollout: NewRelease.properties.percentage,
    rollout_percentage: NewRelease.properties.percentage,
    rolloutPercentage: NewRelease.properties.percentage,
  },
  { additionalProperties: false },
)
const validateMetadata = createValidator(ContractMetadata, 'metadata')

/** The people's side of the React Native contract, on the same services as /manage/v1. */
export function reactNativeManagementRoutes(parts: {
  apps: AppService
  contents: ContentService
  releases: ReleaseService
  rollouts: RolloutService
  publishing: Publishing
  publicUrl: PublicUrl
  maxUploadBytes: number
}): FastifyPluginAsyncTypebox {
  const { apps, contents, releases, rollouts, publishing, publicUrl, maxUploadBytes } = parts

  /** @throws problem release-exists also for the same request again: the contract takes a version once on a channel */
  async function publishUpload(request: FastifyRequest, upload: ReceivedUpload): Promise<PublishedRelease> {
    const fields = validateMetadata(upload.metadata)
    const { app: named, appId, hash, rollout, rollout_percentage, rolloutPercentage, ...rest } = fields
    const { sha256: told, sizeBytes, entry, ...metadata } = rest
    const sha256 = told ?? hash
    const content: NewArchiveContent = { kind: 'archive' }
    if (sha256 !== undefined) content.sha256 = sha256
    if (sizeBytes !== undefined) content.sizeBytes = sizeBytes
    if (entry !== undefined) content.entry = entry
    const input: NewRelease = { ...metadata, content }
    const percentage = metadata.percentage ?? rollout ?? rolloutPercentage ?? rollout_percentage
    if (percentage !== undefined) input.percentage = percentage
    const found = await resolveNamedApp(apps, request, named ?? appId)
    const { published, isRepeated } = await publishing.publish(
      found,
      input,
      upload.archive,
      upload.signatures,
      authorOf(request),
      publicUrl(request),
    )
    if (isRepeated) throw publishedBefore(published)
    return published
  }

  return async (app) => {
    await takeForms(app)

    app.post(
      '/releases',
      {
        bodyLimit: maxUploadBytes,
        config: { access: 'releases:publish' },
        schema: {
          tags: ['react-native'],
          summary: 'Publishes: multipart with the zip, metadata (JSON) and signature',
          consumes: ['multipart/form-data'],
          response: { 201: ContractPublished },
        },
      },
      async (request, reply) => {
        const publish = (upload: ReceivedUpload) => publishUpload(request, upload)
        const published = await withUpload(request, contents, publish)
        return reply.code(201).send(flattenPublished(published))
      },
    )

    app.get(
      '/releases',
      {
        config: { access: 'releases:read' },
        schema: {
          tags: ['react-native'],
          summary: 'Releases, newest first',
          querystring: Type.Object({
            app: Type.Optional(Type.String()),
            appId: Type.Optional(Type.String()),
            ...ReleaseFilter.properties,
            ...PageQuery.properties,
          }),
          response: { 200: ContractReleasePage },
        },
      },
      async (request) => {
        const { app: named, appId } = request.query
        const { slug } = request.params as { slug?: string }
        const name = slug ?? named ?? appId
        const found = name === undefined ? undefined : await apps.resolve(request.actor, name)
        const ofApps = found ? [found.id] : appsOf(request.actor)
        const page = readPageRequest(request.query)
        return flattenPage(await releases.list(ofApps, { ...request.query, kind: 'archive' }, page, publicUrl(request)))
      },
    )

    const params = Type.Object({ id: Type.String(), slug: Type.Optional(Type.String()) })

    /** Under /apps/{slug} another app's release is not there. */
    async function getRelease(request: FastifyRequest, id: string) {
      const release = await releases.get(id)
      const found = await apps.resolve(request.actor, release.app_id)
      if (release.kind !== 'archive') throw problem('release-not-found', `No bundle has the id ${id}.`)
      const { slug } = request.params as { slug?: string }
      if (slug !== undefined && slug !== found.slug && slug !== found.id) {
        throw problem('release-not-found', `The app "${slug}" has no release with the id ${id}.`)
      }
      return { release, app: found }
    }

    app.get(
      '/releases/:id',
      {
        config: { access: 'releases:read' },
        schema: { tags: ['react-native'], summary: 'One release', params, response: { 200: ContractRelease } },
      },
      async (request) => {
        const { release } = await getRelease(request, request.params.id)
        return flattenRelease(await releases.render(release, publicUrl(request)))
      },
    )

    /** The contract knows one: which of several is meant, the server does not guess. */
    async function channelOf({ id, channel: first }: ReleaseRow, named: string | undefined): Promise<string> {
      if (named !== undefined) return named
      const placed = await rollouts.listChannelsOf(id)
      if (placed.length < 2) return placed[0] ?? first
      throw problem('invalid-request', `Expected ?channel= with one of ${placed.join(', ')}, found none.`)
    }

    app.patch(
      '/releases/:id/rollback',
      {
        config: { access: 'rollouts:change' },
        schema: {
          tags: ['react-native'],
          summary: 'Makes this release the active one of its channel: a new rollout, on top',
          description: 'A release that is on several channels needs `channel`.',
          params,
          querystring: Type.Object({ channel: Type.Optional(ChannelName) }),
          response: { 200: Type.Object({ rolloutId: Type.String(), ...Rollout.properties }) },
        },
      },
      async (request) => {
        const { release, app: found } = await getRelease(request, request.params.id)
        const { platform } = release
        const channel = await channelOf(release, request.query.channel)
        const target = { platform, channel, to: { releaseId: release.id } }
        const rollout = await rollouts.rollBack(found, target, authorOf(request))
        return { rolloutId: rollout.id, ...rollout }
      },
    )

    app.delete(
      '/releases/:id',
      {
        config: { access: 'releases:archive' },
        schema: { tags: ['react-native'], summary: 'Archives a release', params, response: { 200: ContractRelease } },
      },
      async (request) => {
        const { release, app: found } = await getRelease(request, request.params.id)
        return flattenRelease(await publishing.archive(found, release.id, authorOf(request), publicUrl(request)))
      },
    )
  }
}

function publishedBefore({ releaseId, version, platform, channel }: PublishedRelease) {
  const detail = `Version ${version} for ${platform} was published on the channel "${channel}" before, by this very request: there is nothing to do.`
  return problem('release-exists', detail, { releaseId })
}
