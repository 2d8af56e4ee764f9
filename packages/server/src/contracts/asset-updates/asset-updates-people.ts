import {
  App,
  AppSlug,
  ChannelName,
  Id,
  PageQuery,
  Percentage,
  PlatformName,
  ReleaseVersion,
  RolloutState,
  DisplayName,
} from '@hotpatch/api'
import { isSemver, problem } from '@hotpatch/protocol'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { InsightService, ReleaseFigures } from '../../explaining/insights/insight-service.ts'
import { readPageRequest } from '../../ground/http/paging.ts'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import { takeForms } from '../../ground/http/take-forms.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { Publishing } from '../../rolling-out/publishing/publishing-service.ts'
import type { RolloutService } from '../../rolling-out/rollouts/rollout-service.ts'
import type { AppRow, AppService } from '../../shipping/apps/app-service.ts'
import type { ContentService } from '../../shipping/content/content-service.ts'
import type { FileUploads } from '../../shipping/content/files/file-uploads.ts'
import type { ReleaseRow, ReleaseService } from '../../shipping/releases/release-service.ts'
import { resolveNamedApp } from '../resolve-named-app.ts'
import { receiveUpdate, type ReceivedUpdate } from './receive-update.ts'
import {
  ContractPlatform,
  Deployment,
  describeDeployment,
  describeUpdate,
  fromPlatform,
  NewUpdate,
  PublishedUpdate,
  toPlatform,
  Update,
  updatesPage,
  UpdateStats,
} from './update-shapes.ts'

const tags = ['asset-updates']
const ProjectId = Type.Optional(Type.String({ maxLength: 64, description: 'Id or slug of the app' }))
const IdParams = Type.Object({ id: Type.String(), slug: Type.Optional(Type.String()) })
const Listed = Type.Object({
  projectId: ProjectId,
  channel: Type.Optional(ChannelName),
  platform: Type.Optional(ContractPlatform),
  ...PageQuery.properties,
})
const strict = { additionalProperties: false }

/** The people's side of the contract of asset updates, on the same services as /manage/v1: at the root, and under /apps/{slug}. */
export function assetUpdatesPeople(parts: {
  apps: AppService
  contents: ContentService
  files: FileUploads
  releases: ReleaseService
  rollouts: RolloutService
  publishing: Publishing
  insights: InsightService
  publicUrl: PublicUrl
  maxUploadBytes: number
}): FastifyPluginAsyncTypebox {
  const { apps, contents, files, releases, rollouts, publishing, insights, publicUrl, maxUploadBytes } = parts
  const resolveApp = (request: FastifyRequest, named: string | undefined) => resolveNamedApp(apps, request, named)

  async function publish(request: FastifyRequest, { app, fields, list }: ReceivedUpdate) {
    if (!isSemver(fields.version)) {
      throw problem('invalid-request', `version: expected a semantic version such as 1.2.0, found "${fields.version}".`)
    }
    const { version, platform = 'all', channel, runtimeVersion, nativeRange, rolloutPercentage, isMandatory } = fields
    const notes = fields.releaseNotes ?? fields.message
    const input = {
      version,
      platform: toPlatform(platform),
      content: { kind: 'files' as const, ...list },
      ...(channel !== undefined && { channel }),
      ...(runtimeVersion !== undefined && { runtimeVersion }),
      ...(nativeRange !== undefined && { nativeRange }),
      ...(notes !== undefined && { notes }),
      ...(rolloutPercentage !== undefined && { percentage: rolloutPercentage }),
      ...(isMandatory !== undefined && { mandatory: isMandatory }),
    }
    const { statement, statementSignature, publicKey } = fields
    const signatures = { statement, statementSignature, publicKey }
    const publication = await publishing.publish(
      app,
      input,
      undefined,
      signatures,
      authorOf(request),
      publicUrl(request),
    )
    const { releaseId, rolloutId } = publication.published
    const rollout = await rollouts.show(await rollouts.get(rolloutId, request.actor))
    return {
      isRepeated: publication.isRepeated,
      published: {
        update: await describe(request, await releases.get(releaseId)),
        deployment: describeDeployment(rollout),
      },
    }
  }

  async function describe(request: FastifyRequest, row: ReleaseRow): Promise<Update> {
    return describeUpdate(await releases.render(row, publicUrl(request)))
  }

  /** Under /apps/{slug} another app's update is not there. */
  async function getUpdate(request: FastifyRequest, id: string): Promise<{ release: ReleaseRow; app: AppRow }> {
    const release = await releases.get(id)
    const app = await apps.resolve(request.actor, release.app_id)
    const { slug } = request.params as { slug?: string }
    const isOther = slug !== undefined && slug !== app.slug && slug !== app.id
    if (!isOther && release.kind === 'files') return { release, app }
    throw problem('release-not-found', `There is no update with the id ${id}.`)
  }

  /** The contract knows one: which of several is meant, the server does not guess, and only where it is it leads back. */
  async function channelOf({ id, channel: first }: ReleaseRow, named: string | undefined): Promise<string> {
    const placed = await rollouts.listChannelsOf(id)
    if (named !== undefined && placed.includes(named)) return named
    if (named === undefined && placed.length < 2) return placed[0] ?? first
    const found = named ?? 'none'
    throw problem('invalid-request', `Expected channel with one of ${placed.join(', ')}, found ${found}.`)
  }

  return async (app) => {
    await takeForms(app)

    app.get(
      '/api/v1/health',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'Whether the server answers',
          response: { 200: Type.Object({ status: Type.String() }) },
        },
      },
      async () => ({ status: 'ok' }),
    )

    app.post(
      '/api/v1/updates/publish',
      {
        bodyLimit: maxUploadBytes,
        config: { access: 'releases:publish', form: NewUpdate },
        schema: {
          tags,
          summary: 'Publishes an update: its files come along, or were uploaded before',
          description:
            'JSON with `assets` or `list` of what was uploaded, or multipart: first `metadata` with the same fields as ' +
            'JSON, then every file under its path. The same request again gets the same answer, with 200.',
          consumes: ['application/json', 'multipart/form-data'],
          response: { 200: PublishedUpdate, 201: PublishedUpdate },
        },
      },
      async (request, reply) => {
        const receiver = { contents, files, resolveApp, maxBytes: maxUploadBytes }
        const { isRepeated, published } = await publish(request, await receiveUpdate(request, receiver))
        return reply.code(isRepeated ? 200 : 201).send(published)
      },
    )

    app.get(
      '/api/v1/updates',
      {
        config: { access: 'releases:read' },
        schema: {
          tags,
          summary: 'Updates, newest first',
          querystring: Listed,
          response: { 200: updatesPage('updates', Update) },
        },
      },
      async (request) => {
        const { projectId, channel, platform } = request.query
        const found = await resolveApp(request, projectId)
        const place = { ...(channel && { channel }), ...(platform && { platform: toPlatform(platform) }) }
        const page = readPageRequest(request.query)
        const { items, nextCursor } = await releases.list(
          [found.id],
          { ...place, kind: 'files' },
          page,
          publicUrl(request),
        )
        return { updates: items.map(describeUpdate), nextCursor }
      },
    )

    app.post(
      '/api/v1/updates/:id/rollback',
      {
        config: { access: 'rollouts:change' },
        schema: {
          tags,
          summary:
            'Goes back from an update: a new deployment, on top, of an older one or of what the binary shipped with',
          params: IdParams,
          body: Type.Union([
            Type.Object(
              {
                channel: Type.Optional(ChannelName),
                targetVersion: Type.Optional(ReleaseVersion),
                targetUpdateId: Type.Optional(Id),
                toEmbedded: Type.Optional(Type.Boolean()),
              },
              strict,
            ),
            Type.Null(),
          ]),
          response: { 201: Deployment },
        },
      },
      async (request, reply) => {
        const { release, app: found } = await getUpdate(request, request.params.id)
        const { channel: named, targetVersion, targetUpdateId, toEmbedded } = request.body ?? {}
        const channel = await channelOf(release, named)
        const told = [targetVersion, targetUpdateId, toEmbedded === true ? true : undefined]
        if (told.filter((each) => each !== undefined).length > 1) {
          throw problem(
            'invalid-request',
            'Expected one of targetVersion, targetUpdateId and toEmbedded, found several.',
          )
        }
        const { platform } = release
        const before = () => rollouts.findBefore(found, release, channel)
        const target = targetUpdateId ?? (targetVersion || toEmbedded ? undefined : await before())
        const to = targetVersion ? { version: targetVersion } : target ? { releaseId: target } : 'embedded'
        const rollout = await rollouts.rollBack(found, { platform, channel, to }, authorOf(request))
        return reply.code(201).send(describeDeployment(rollout))
      },
    )

    app.get(
      '/api/v1/stats',
      {
        config: { access: 'insights:read' },
        schema: {
          tags,
          summary: 'How updates do in the fleet',
          querystring: Type.Object({
            projectId: ProjectId,
            channel: Type.Optional(ChannelName),
            platform: Type.Optional(ContractPlatform),
          }),
          response: { 200: UpdateStats },
        },
      },
      async (request): Promise<UpdateStats> => {
        const { projectId, channel, platform } = request.query
        const found = await resolveApp(request, projectId)
        const place = { ...(channel && { channel }), ...(platform && { platform: toPlatform(platform) }) }
        const { active } = await insights.overview(found.id, {})
        return describeStats(await insights.releasesOf(found.id, 'files', place), active)
      },
    )

    app.post(
      '/api/v1/projects',
      {
        config: { access: 'apps:change' },
        schema: {
          tags,
          summary: 'Makes a project: an app',
          body: Type.Object(
            {
              slug: AppSlug,
              name: Type.Optional(DisplayName()),
              platforms: Type.Optional(Type.Array(PlatformName, { minItems: 1, uniqueItems: true })),
            },
            strict,
          ),
          response: { 201: App },
        },
      },
      async (request, reply) => reply.code(201).send(await apps.create(request.body, authorOf(request))),
    )

    app.get(
      '/api/v1/projects/:id',
      {
        config: { access: 'apps:read' },
        schema: { tags, summary: 'One project, by id or slug', params: IdParams, response: { 200: App } },
      },
      async (request) => {
        const found = await apps.resolve(request.actor, request.params.id)
        const { slug } = request.params
        if (slug === undefined || slug === found.slug || slug === found.id) return apps.render(found)
        throw problem('app-not-found', `There is no project "${request.params.id}" here.`)
      },
    )

    app.post(
      '/api/v1/deployments',
      {
        config: { access: 'rollouts:change' },
        schema: {
          tags,
          summary: 'Places an update on a channel, for a share of the devices',
          body: Type.Object(
            {
              updateId: Id,
              channel: ChannelName,
              rolloutPercentage: Type.Optional(Percentage),
              isMandatory: Type.Optional(Type.Boolean()),
            },
            strict,
          ),
          response: { 201: Deployment },
        },
      },
      async (request, reply) => {
        const { updateId, channel, rolloutPercentage, isMandatory } = request.body
        const { release, app: found } = await getUpdate(request, updateId)
        const input = {
          releaseId: release.id,
          channel,
          ...(rolloutPercentage !== undefined && { percentage: rolloutPercentage }),
          ...(isMandatory !== undefined && { mandatory: isMandatory }),
        }
        return reply.code(201).send(describeDeployment(await rollouts.create(found, input, authorOf(request))))
      },
    )

    app.get(
      '/api/v1/deployments',
      {
        config: { access: 'rollouts:read' },
        schema: {
          tags,
          summary: 'Deployments, newest first',
          querystring: Listed,
          response: { 200: updatesPage('deployments', Deployment) },
        },
      },
      async (request) => {
        const { projectId, channel, platform } = request.query
        const found = await resolveApp(request, projectId)
        const place = { ...(channel && { channel }), ...(platform && { platform: toPlatform(platform) }) }
        const { items, nextCursor } = await rollouts.list(found, place, readPageRequest(request.query))
        return { deployments: items.map(describeDeployment), nextCursor }
      },
    )

    app.put(
      '/api/v1/deployments/:id',
      {
        config: { access: 'rollouts:change' },
        schema: {
          tags,
          summary: 'Widens a deployment, or pauses, resumes, halts or withdraws it',
          params: IdParams,
          body: Type.Object(
            {
              rolloutPercentage: Type.Optional(Percentage),
              isMandatory: Type.Optional(Type.Boolean()),
              state: Type.Optional(RolloutState),
            },
            { ...strict, minProperties: 1 },
          ),
          response: { 200: Deployment },
        },
      },
      async (request) => {
        const { rolloutPercentage, isMandatory, state } = request.body
        const rollout = await rollouts.get(request.params.id, request.actor)
        const { slug } = request.params
        const owner = await apps.resolve(request.actor, rollout.app_id)
        if (slug !== undefined && slug !== owner.slug && slug !== owner.id) {
          throw problem('rollout-not-found', `There is no deployment with the id ${rollout.id}.`)
        }
        const isChanged = rolloutPercentage !== undefined || isMandatory !== undefined
        if (isChanged && (state === 'halted' || state === 'withdrawn')) {
          throw problem('invalid-request', `Expected nothing else beside the state ${state}, found more.`)
        }
        const author = authorOf(request)
        const transition = state && TRANSITIONS[state]
        if (isChanged) {
          const changes = {
            ...(rolloutPercentage !== undefined && { percentage: rolloutPercentage }),
            ...(isMandatory !== undefined && { mandatory: isMandatory }),
          }
          await rollouts.change(rollout, changes, author, transition)
        } else if (transition) {
          await rollouts.transition(rollout, transition, author)
        }
        return describeDeployment(await rollouts.show(await rollouts.get(rollout.id, request.actor)))
      },
    )
  }
}

/** What brings a deployment into a state; from those that are ended nothing does. */
const TRANSITIONS = { active: 'resume', paused: 'pause', halted: 'halt', withdrawn: 'withdraw' } as const

function describeStats(
  updates: readonly ReleaseFigures[],
  { day, week, month }: Record<'day' | 'week' | 'month', { devices: number }>,
): UpdateStats {
  const sum = (name: 'downloaded' | 'attempted' | 'succeeded' | 'bad' | 'rolledBack') =>
    updates.reduce((total, each) => total + each[name], 0)
  return {
    totalDownloads: sum('downloaded'),
    successRate: share(sum('succeeded'), sum('attempted')),
    failureRate: share(sum('bad'), sum('attempted')),
    activeUsers: month.devices,
    activeToday: day.devices,
    activeThisWeek: week.devices,
    rollbackCount: sum('rolledBack'),
    updates: updates.map(({ id, version, platform, downloaded, attempted, succeeded, bad, rolledBack }) => ({
      id,
      version,
      platform: fromPlatform(platform),
      downloads: downloaded,
      attempted,
      successRate: share(succeeded, attempted),
      failureRate: share(bad, attempted),
      rollbackCount: rolledBack,
    })),
  }
}

function share(part: number, of: number): number | null {
  return of === 0 ? null : Math.min(1, part / of)
}
