import { DEFAULT_CHANNEL } from '@hotpatch/api'
import { isPlatform, Problem, problem, type Platform } from '@hotpatch/protocol'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { sumRolloutHours } from '../../fleet/progress/rollout-progress.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import { takeForms } from '../../ground/http/take-forms.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { Publishing } from '../../rolling-out/publishing/publishing-service.ts'
import type { RolloutService } from '../../rolling-out/rollouts/rollout-service.ts'
import { platformsOf, type AppRow, type AppService } from '../../shipping/apps/app-service.ts'
import type { ChannelKeyService } from '../../shipping/channels/channel-key-service.ts'
import type { ChannelService } from '../../shipping/channels/channel-service.ts'
import type { ContentService, ReceivedContent } from '../../shipping/content/content-service.ts'
import { requirementOf } from './binary-range.ts'
import { describePackage, entryOf, isDisabled, isUnfinished, type HistoryEntry } from './describe.ts'
import { listHistory } from './history-queries.ts'
import { readPackageInfo, withPackage, type PackageInfo } from './read-package-info.ts'

/** As many as CodePush's own server keeps. */
const MAX_HISTORY = 50
const APPS = { limit: 200, after: undefined }
/** The tools ask for lists with a slash at the end. */
const ENDS = ['', '/']
const DEFAULT_DEPLOYMENTS = ['Production', 'Staging']

const AppParams = Type.Object({ app: Type.String({ maxLength: 200 }) })
const DeploymentParams = Type.Object({ ...AppParams.properties, deployment: Type.String({ maxLength: 100 }) })

/** What CodePush calls a deployment: a channel of an app on one platform, with its key. */
interface Deployment {
  app: AppRow
  platform: Platform
  channel: string
  name: string
  key: string
}

/** Code Push §8: the management API that CodePush's command-line tools call. */
export function codePushPeople(parts: {
  db: Database
  apps: AppService
  channels: ChannelService
  channelKeys: ChannelKeyService
  contents: ContentService
  rollouts: RolloutService
  publishing: Publishing
  publicUrl: PublicUrl
  maxUploadBytes: number
}): FastifyPluginAsyncTypebox {
  const { db, apps, channels, channelKeys, contents, rollouts, publishing, publicUrl, maxUploadBytes } = parts

  async function findApp(request: FastifyRequest, name: string): Promise<{ app: AppRow; platform: Platform }> {
    const slug = slugOf(name)
    const [, base, suffix] = /^(.+)-([a-z]+)$/.exec(slug) ?? []
    const exact = await apps.resolve(request.actor, slug).catch(orNone)
    if (exact) {
      const [only = 'any', another] = platformsOf(exact)
      return { app: exact, platform: another === undefined ? only : 'any' }
    }
    const app = base === undefined ? undefined : await apps.resolve(request.actor, base).catch(orNone)
    if (app && isPlatform(suffix) && platformsOf(app).includes(suffix)) return { app, platform: suffix }
    throw problem('app-not-found', `App "${name}" does not exist.`)
  }

  async function listDeployments(app: AppRow, platform: Platform): Promise<Deployment[]> {
    const { items } = await channelKeys.list(app)
    const own = items.filter((key) => key.revokedAt === null && key.platform === platform)
    // Of several keys the newest is told.
    const byChannel = new Map(own.map(({ channel, key }) => [channel, key]))
    return [...byChannel].map(([channel, key]) => ({ app, platform, channel, key, name: nameOfChannel(channel) }))
  }

  async function findDeployment(
    request: FastifyRequest,
    { app: name, deployment }: { app: string; deployment: string },
  ) {
    const { app, platform } = await findApp(request, name)
    const found = (await listDeployments(app, platform)).find((each) => each.channel === channelOf(deployment))
    if (found) return found
    throw problem('channel-not-found', `Deployment "${deployment}" does not exist.`)
  }

  async function createDeployment(request: FastifyRequest, app: AppRow, platform: Platform, wish: NewDeployment) {
    const channel = channelOf(wish.name)
    const author = authorOf(request)
    const { items } = await channels.list(app)
    if (!items.some(({ name }) => name === channel)) await channels.create(app, { name: channel }, author)
    const there = (await listDeployments(app, platform)).some((each) => each.channel === channel)
    if (there) throw problem('channel-exists', `A deployment named '${wish.name}' already exists.`)
    const { key } = await channelKeys.create(
      app,
      { channel, platform, name: wish.name, ...(wish.key !== undefined && { key: wish.key }) },
      author,
    )
    return { name: nameOfChannel(channel), key }
  }

  async function historyOf({
    app,
    platform,
    channel,
  }: Deployment): Promise<{ count: number; entries: HistoryEntry[] }> {
    const place = { appId: app.id, platform, channel }
    const { count, labels, rows } = await listHistory(db, place, MAX_HISTORY)
    return { count, entries: rows.map((row) => entryOf(row, labels.get(row.rollout_id) ?? '')) }
  }

  async function describeDeployment(request: FastifyRequest, deployment: Deployment) {
    const [newest] = (await historyOf(deployment)).entries
    const { name, key } = deployment
    return { name, key, package: newest ? describePackage(newest, publicUrl(request)) : null }
  }

  async function newestOf(request: FastifyRequest, deployment: Deployment) {
    return { package: (await describeDeployment(request, deployment)).package }
  }

  async function release(
    request: FastifyRequest,
    deployment: Deployment,
    content: ReceivedContent,
    info: PackageInfo,
  ): Promise<void> {
    const { app, platform, channel } = deployment
    const appVersion = info.appVersion ?? '*'
    const requirement = requirementOf(appVersion)
    const { count, entries } = await historyOf(deployment)
    requireFinished(entries[0], 'Please update the previous release to 100% rollout before releasing a new package.')
    const packageHash = content.facts.kind === 'archive' ? content.facts.packageHash : undefined
    requireOther(entries, { packageHash, requirement }, 'released')
    const { published } = await publishing.publish(
      app,
      {
        version: `v${count + 1}-${channel}-${platform}`.slice(0, 50),
        platform,
        channel,
        content: { kind: 'archive' },
        ...requirement,
        ...told(info),
      },
      content,
      {},
      authorOf(request),
      publicUrl(request),
    )
    if (info.isDisabled) await pause(request, published.rolloutId)
  }

  async function promote(request: FastifyRequest, from: Deployment, to: Deployment, info: PackageInfo): Promise<void> {
    const source = (await historyOf(from)).entries.find((entry) =>
      info.label ? entry.label === info.label : !isDisabled(entry),
    )
    if (!source) {
      throw problem('release-not-found', 'Cannot promote from a deployment with no enabled releases.')
    }
    requireUnchanged(source, info)
    const { entries } = await historyOf(to)
    requireFinished(entries[0], 'Cannot promote to an unfinished rollout release unless it is already disabled.')
    const requirement = requirementOf(source.appVersion)
    requireOther(entries, { packageHash: source.package_hash, requirement }, 'promoted')
    const { percentage, mandatory = source.mandatory === 1 } = told(info)
    const wish = { releaseId: source.release_id, channel: to.channel, mandatory }
    const input = percentage === undefined ? wish : { ...wish, percentage }
    const { id } = await rollouts.create(to.app, input, authorOf(request))
    if (info.isDisabled) await pause(request, id)
  }

  async function rollBack(request: FastifyRequest, deployment: Deployment, label: string | undefined): Promise<void> {
    const { entries } = await historyOf(deployment)
    const [newest, previous] = entries
    const target = label ? entries.find((entry) => entry.label === label) : previous
    if (!newest || !target) {
      throw problem('release-not-found', `Cannot perform rollback because there is no release ${label ?? 'before'}.`)
    }
    if (target.appVersion !== newest.appVersion) {
      const detail =
        'Cannot perform rollback to a different app version. Please perform a new release with the desired replacement package.'
      throw problem('rollout-state', detail)
    }
    if (target.release_id === newest.release_id) {
      throw problem('rollout-state', `Cannot perform rollback because ${target.label} is what is released already.`)
    }
    const { app, platform, channel } = deployment
    await rollouts.rollBack(app, { platform, channel, to: { releaseId: target.release_id } }, authorOf(request))
  }

  /** @returns whether anything changed */
  async function patch(request: FastifyRequest, deployment: Deployment, info: PackageInfo): Promise<boolean> {
    const { entries } = await historyOf(deployment)
    const entry = info.label ? entries.find(({ label }) => label === info.label) : entries[0]
    if (!entry) throw problem('release-not-found', 'There is no such release in this deployment.')
    requireUnchanged(entry, info)
    const { percentage, mandatory } = told(info)
    if (percentage !== undefined && percentage !== entry.percentage) requireWider(entry, percentage)
    const changes = {
      ...(percentage !== undefined && percentage !== entry.percentage && { percentage }),
      ...(mandatory !== undefined && mandatory !== (entry.mandatory === 1) && { mandatory }),
    }
    const rollout = await rollouts.get(entry.rollout_id, request.actor)
    const isToChange = Object.keys(changes).length > 0
    if (isToChange) await rollouts.change(rollout, changes, authorOf(request))
    const isToSwitch =
      info.isDisabled !== undefined && info.isDisabled !== null && info.isDisabled !== isDisabled(entry)
    if (isToSwitch) await rollouts.transition(rollout, info.isDisabled ? 'pause' : 'resume', authorOf(request))
    return isToChange || isToSwitch
  }

  async function pause(request: FastifyRequest, rolloutId: string): Promise<void> {
    await rollouts.transition(await rollouts.get(rolloutId, request.actor), 'pause', authorOf(request))
  }

  async function describeApps(request: FastifyRequest, app: AppRow) {
    const platforms = platformsOf(app)
    const names =
      platforms.length > 1 ? platforms.map((platform) => ({ name: `${app.slug}-${platform}`, platform })) : []
    const own = {
      name: slugOf(app.name) === app.slug ? app.name : app.slug,
      platform: platforms.length > 1 ? 'any' : platforms[0],
    }
    const all = [own, ...names].map(async ({ name, platform = 'any' }) => ({
      name,
      collaborators: collaboratorsOf(request),
      deployments: (await listDeployments(app, platform)).map((deployment) => deployment.name),
    }))
    const described = await Promise.all(all)
    // Of an app for several systems only those that such clients have keys for.
    return described.filter(({ deployments }, index) =>
      index === 0 ? names.length === 0 || deployments.length > 0 : deployments.length > 0,
    )
  }

  return async (app) => {
    await takeForms(app)
    app.setErrorHandler((error, _request, reply) => {
      if (!(error instanceof Problem)) throw error
      return reply.code(error.status).type('text/plain; charset=utf-8').send(error.message)
    })
    const hide = { hide: true } as const

    app.get('/authenticated', { config: { access: 'apps:read' }, schema: hide }, async () => ({ authenticated: true }))

    app.get('/account', { config: { access: 'apps:read' }, schema: hide }, async ({ actor }) => ({
      account: { name: actor?.name ?? '', email: emailOf(actor?.name), linkedProviders: [] },
    }))

    app.get('/apps', { config: { access: 'apps:read' }, schema: hide }, async (request) => {
      const { items } = await apps.list(request.actor, APPS)
      const rows = await Promise.all(items.map(({ id }) => apps.get(id)))
      return { apps: (await Promise.all(rows.map((row) => describeApps(request, row)))).flat() }
    })

    for (const end of ENDS) {
      app.post(
        `/apps${end}`,
        { config: { access: 'apps:change' }, schema: { ...hide, body: NewCodePushApp } },
        async (request, reply) => {
          const { name, manuallyProvisionDeployments = false } = request.body
          const [, suffix] = /[-_. ](android|ios)$/i.exec(name) ?? []
          const platforms: Platform[] = suffix ? [suffix.toLowerCase() as Platform] : ['android', 'ios']
          const created = await apps.create({ slug: slugOf(name), name, platforms }, authorOf(request))
          const row = await apps.get(created.id)
          const { platform } = await findApp(request, row.slug)
          const deployments = manuallyProvisionDeployments ? [] : DEFAULT_DEPLOYMENTS
          for (const each of deployments) await createDeployment(request, row, platform, { name: each })
          return reply.code(201).send({ app: { name, collaborators: collaboratorsOf(request), deployments } })
        },
      )
    }

    app.get(
      '/apps/:app',
      { config: { access: 'apps:read' }, schema: { ...hide, params: AppParams } },
      async (request) => {
        const { app: row, platform } = await findApp(request, request.params.app)
        const deployments = (await listDeployments(row, platform)).map(({ name }) => name)
        return { app: { name: request.params.app, collaborators: collaboratorsOf(request), deployments } }
      },
    )

    for (const end of ENDS) {
      app.get(
        `/apps/:app/deployments${end}`,
        { config: { access: 'apps:read' }, schema: { ...hide, params: AppParams } },
        async (request) => {
          const { app: row, platform } = await findApp(request, request.params.app)
          const found = await listDeployments(row, platform)
          return { deployments: await Promise.all(found.map((each) => describeDeployment(request, each))) }
        },
      )

      app.post(
        `/apps/:app/deployments${end}`,
        { config: { access: 'channels:change' }, schema: { ...hide, params: AppParams, body: NewDeployment } },
        async (request, reply) => {
          const { app: row, platform } = await findApp(request, request.params.app)
          return reply.code(201).send({ deployment: await createDeployment(request, row, platform, request.body) })
        },
      )
    }

    const read = { config: { access: 'releases:read' }, schema: { ...hide, params: DeploymentParams } } as const
    app.get('/apps/:app/deployments/:deployment', read, async (request) => ({
      deployment: await describeDeployment(request, await findDeployment(request, request.params)),
    }))

    app.get('/apps/:app/deployments/:deployment/history', read, async (request) => {
      const { entries } = await historyOf(await findDeployment(request, request.params))
      // Oldest first.
      return { history: entries.toReversed().map((entry) => describePackage(entry, publicUrl(request))) }
    })

    app.get('/apps/:app/deployments/:deployment/metrics', read, async (request) => {
      const { entries } = await historyOf(await findDeployment(request, request.params))
      const figures = await sumRolloutHours(
        db,
        entries.map(({ rollout_id }) => rollout_id),
      )
      const metrics = entries.flatMap(({ label, rollout_id }) => {
        const found = figures.get(rollout_id)
        if (!found) return []
        const { running, downloaded, confirmed, attempted_bad } = found
        return [[label, { active: running, downloaded, installed: confirmed, failed: attempted_bad }] as const]
      })
      return { metrics: Object.fromEntries(metrics) }
    })

    app.post(
      '/apps/:app/deployments/:deployment/release',
      {
        bodyLimit: maxUploadBytes,
        config: { access: 'releases:publish' },
        schema: { ...hide, params: DeploymentParams },
      },
      async (request, reply) => {
        const deployment = await findDeployment(request, request.params)
        await withPackage(request, contents, (content, info) => release(request, deployment, content, info))
        return reply.code(201).send(await newestOf(request, deployment))
      },
    )

    const change = { config: { access: 'rollouts:change' }, schema: { ...hide, params: DeploymentParams } } as const
    app.patch('/apps/:app/deployments/:deployment/release', change, async (request, reply) => {
      const deployment = await findDeployment(request, request.params)
      if (!(await patch(request, deployment, readPackageInfo(request.body)))) return reply.code(204).send()
      return reply.send(await newestOf(request, deployment))
    })

    app.post(
      '/apps/:app/deployments/:deployment/promote/:to',
      {
        config: { access: 'rollouts:change' },
        schema: { ...hide, params: Type.Object({ ...DeploymentParams.properties, to: Type.String() }) },
      },
      async (request, reply) => {
        const { app: name, to: target } = request.params
        const from = await findDeployment(request, request.params)
        const to = await findDeployment(request, { app: name, deployment: target })
        await promote(request, from, to, readPackageInfo(request.body))
        return reply.code(201).send(await newestOf(request, to))
      },
    )

    for (const path of ['', '/', '/:label']) {
      app.post(
        `/apps/:app/deployments/:deployment/rollback${path}`,
        {
          config: { access: 'rollouts:change' },
          schema: {
            ...hide,
            params: Type.Object({ ...DeploymentParams.properties, label: Type.Optional(Type.String()) }),
          },
        },
        async (request, reply) => {
          const deployment = await findDeployment(request, request.params)
          await rollBack(request, deployment, request.params.label)
          return reply.code(201).send(await newestOf(request, deployment))
        },
      )
    }

    app.all('/*', { config: { access: 'apps:read' }, schema: hide }, async ({ method }) => {
      const detail = `This server does not do that for CodePush's tools: use "hotpatch" instead. (${method})`
      throw problem('not-found', detail)
    })
  }
}

const NewCodePushApp = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 63, pattern: '^[A-Za-z0-9][A-Za-z0-9 ._-]*$' }),
  manuallyProvisionDeployments: Type.Optional(Type.Boolean()),
})
const NewDeployment = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 63 }),
  key: Type.Optional(Type.String({ pattern: '^(?!hpk_)[A-Za-z0-9._~-]{16,128}$' })),
})
interface NewDeployment {
  name: string
  key?: string
}

function slugOf(name: string): string {
  return name.toLowerCase().replaceAll(/[ ._]+/g, '-')
}

/** "Production" and "Staging" are what CodePush calls those that every app has. */
function channelOf(deployment: string): string {
  return deployment.toLowerCase().replaceAll(' ', '-')
}

function nameOfChannel(channel: string): string {
  const isDefault = channel === DEFAULT_CHANNEL || channel === 'staging'
  return isDefault ? channel.charAt(0).toUpperCase() + channel.slice(1) : channel
}

function told({ description, isMandatory, rollout }: PackageInfo) {
  return {
    ...(description && { notes: description }),
    ...(typeof isMandatory === 'boolean' && { mandatory: isMandatory }),
    ...(typeof rollout === 'number' && { percentage: rollout }),
  }
}

function requireFinished(newest: HistoryEntry | undefined, detail: string): void {
  if (isUnfinished(newest)) throw problem('rollout-state', detail)
}

/** The documented rule: of the newest release for the same binaries. */
function requireOther(
  entries: readonly HistoryEntry[],
  wish: { packageHash: string | undefined; requirement: ReturnType<typeof requirementOf> },
  done: 'released' | 'promoted',
): void {
  const last = entries.find(
    (entry) => JSON.stringify(requirementOf(entry.appVersion)) === JSON.stringify(wish.requirement),
  )
  if (last === undefined || last.package_hash !== wish.packageHash) return
  const where = done === 'released' ? 'the specified' : 'the targeted'
  const detail = `The uploaded package was not ${done} because it is identical to the contents of ${where} deployment's current release.`
  throw problem('release-exists', detail)
}

function requireWider({ percentage }: HistoryEntry, wished: number): void {
  if (percentage >= 100) throw problem('rollout-state', 'Cannot update rollout value for a completed rollout release.')
  if (wished < percentage) throw problem('rollout-state', `Rollout value must be greater than "${percentage}".`)
}

/** A release does not change here. */
function requireUnchanged({ appVersion, notes }: HistoryEntry, info: PackageInfo): void {
  const isSameRange =
    !info.appVersion || JSON.stringify(requirementOf(info.appVersion)) === JSON.stringify(requirementOf(appVersion))
  const isSameText = !info.description || info.description === notes
  if (isSameRange && isSameText) return
  const detail = 'A release keeps its description and the binaries that it is for: release it anew with others.'
  throw problem('release-exists', detail)
}

function orNone(error: unknown): undefined {
  if (error instanceof Problem && error.type === 'app-not-found') return undefined
  throw error
}

/** The tools know people by addresses, and there are tokens here. */
function emailOf(name = ''): string {
  return `${slugOf(name)}@token`
}

function collaboratorsOf({ actor }: FastifyRequest) {
  return { [emailOf(actor?.name)]: { isCurrentAccount: true, permission: 'Owner' } }
}
