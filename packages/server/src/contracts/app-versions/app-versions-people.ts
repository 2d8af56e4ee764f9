import { ChannelName, type BinaryContentFile, type ReleaseContent, type Rollout } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import { takeForms } from '../../ground/http/take-forms.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { Publishing } from '../../rolling-out/publishing/publishing-service.ts'
import type { RolloutService } from '../../rolling-out/rollouts/rollout-service.ts'
import type { AppService } from '../../shipping/apps/app-service.ts'
import type { ContentService } from '../../shipping/content/content-service.ts'
import type { ReleaseRow, ReleaseService } from '../../shipping/releases/release-service.ts'
import { resolveNamedApp } from '../resolve-named-app.ts'
import { readNewVersion, toNewRelease } from './read-new-version.ts'
import { withVersion, type ReceivedVersion } from './receive-version.ts'
import { describeVersion, NewVersion, PublishedVersion } from './version-shapes.ts'

/** The people's side of the contract of app versions, on the same services as /manage/v1: at the root, and under /apps/{slug}. */
export function appVersionsPeople(parts: {
  apps: AppService
  contents: ContentService
  releases: ReleaseService
  rollouts: RolloutService
  publishing: Publishing
  publicUrl: PublicUrl
  maxUploadBytes: number
}): FastifyPluginAsyncTypebox {
  const { apps, contents, releases, rollouts, publishing, publicUrl, maxUploadBytes } = parts

  async function publish(request: FastifyRequest, { fields, file }: ReceivedVersion) {
    const read = readNewVersion(fields)
    const along = file && { name: file.name, sha256: file.content.sha256, sizeBytes: file.content.sizeBytes }
    const app = await resolveNamedApp(apps, request, read.app)
    const input = toNewRelease(read, along)
    const author = authorOf(request)
    const publication = await publishing.publish(app, input, file?.content, {}, author, publicUrl(request))
    const { releaseId, rolloutId } = publication.published
    const rollout = rollouts.render(await rollouts.get(rolloutId, request.actor))
    return {
      isRepeated: publication.isRepeated,
      version: await describe(request, await releases.get(releaseId), rollout),
    }
  }

  async function describe(request: FastifyRequest, row: ReleaseRow, rollout: Rollout): Promise<PublishedVersion> {
    const release = await releases.render(row, publicUrl(request))
    return describeVersion(release, rollout, fileOf(release.content))
  }

  return async (app) => {
    await takeForms(app)

    app.post(
      '/api/updates/publish',
      {
        bodyLimit: maxUploadBytes,
        config: { access: 'releases:publish', form: NewVersion },
        schema: {
          tags: ['app-versions'],
          summary: 'Publishes a version of a whole app: a file that comes along, or one that lies elsewhere',
          description:
            'JSON with `download_url`, `checksum` and `file_size`, or multipart with the same fields and a part `file`: ' +
            'then the server computes size and checksum, and serves it. The same request again gets the same answer, with 200.',
          consumes: ['application/json', 'multipart/form-data'],
          response: { 200: PublishedVersion, 201: PublishedVersion },
        },
      },
      async (request, reply) => {
        const { isRepeated, version } = await withVersion(request, contents, (received) => publish(request, received))
        return reply.code(isRepeated ? 200 : 201).send(version)
      },
    )

    for (const { path, transition, summary } of SWITCHES) {
      app.post(
        path,
        {
          config: { access: 'rollouts:change' },
          schema: {
            tags: ['app-versions'],
            summary,
            params: Type.Object({ id: Type.String(), slug: Type.Optional(Type.String()) }),
            querystring: Type.Object({ channel: Type.Optional(ChannelName) }),
            response: { 200: PublishedVersion },
          },
        },
        async (request) => {
          const release = await getRelease(request, request.params.id)
          const channel = await channelOf(release, request.query.channel)
          const rollout = await rollouts.switchRelease(release, channel, transition, authorOf(request))
          return describe(request, release, rollout)
        },
      )
    }
  }

  /** Under /apps/{slug} another app's release is not there. */
  async function getRelease(request: FastifyRequest, id: string): Promise<ReleaseRow> {
    const release = await releases.get(id)
    const found = await apps.resolve(request.actor, release.app_id)
    const { slug } = request.params as { slug?: string }
    const isOther = slug !== undefined && slug !== found.slug && slug !== found.id
    if (!isOther && release.kind === 'binary') return release
    throw problem('release-not-found', `There is no version of a whole app with the id ${id}.`)
  }

  /** The contract knows one: which of several is meant, the server does not guess. */
  async function channelOf({ id, channel: first }: ReleaseRow, named: string | undefined): Promise<string> {
    if (named !== undefined) return named
    const placed = await rollouts.listChannelsOf(id)
    if (placed.length < 2) return placed[0] ?? first
    throw problem('invalid-request', `Expected ?channel= with one of ${placed.join(', ')}, found none.`)
  }
}

/** App versions §13. */
const SWITCHES = [
  {
    path: '/api/updates/deactivate/:id',
    transition: 'pause',
    summary: 'Offers a version to nobody any more; who has it keeps it, others are offered the one before',
  },
  { path: '/api/updates/activate/:id', transition: 'resume', summary: 'Offers a version again that was deactivated' },
] as const

/** The contract has one file: of several that which runs everywhere, or the first. */
function fileOf(content: ReleaseContent): BinaryContentFile {
  const files = content.kind === 'binary' ? content.files.filter(({ format }) => format !== 'delta') : []
  const file = files.find(({ architecture }) => architecture === 'any') ?? files[0]
  if (file) return file
  throw new Error('A binary without a file.')
}
