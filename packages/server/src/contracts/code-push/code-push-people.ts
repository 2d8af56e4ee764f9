import { problem, type Platform } from '@hotpatch/protocol'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { sumRolloutHours } from '../../fleet/progress/rollout-progress.ts'
import type { Clock } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { knownProblem } from '../../ground/http/problem-response.ts'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import { takeForms } from '../../ground/http/take-forms.ts'
import type { AccessService } from '../../people/access/access-service.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { Publishing } from '../../rolling-out/publishing/publishing-service.ts'
import type { RolloutService } from '../../rolling-out/rollouts/rollout-service.ts'
import { platformsOf, type AppRow, type AppService } from '../../shipping/apps/app-service.ts'
import type { ChannelKeyService } from '../../shipping/channels/channel-key-service.ts'
import type { ChannelService } from '../../shipping/channels/channel-service.ts'
import type { ContentService } from '../../shipping/content/content-service.ts'
import { createAccessKeys } from './access-keys.ts'
import { createDeployments, placeOf, slugOf, type Deployment } from './deployments.ts'
import { describePackage, metricsOf } from './describe.ts'
import { countRunning } from './history-queries.ts'
import { codePushAccounts, ownCollaborator } from './accounts.ts'
import { readPackageInfo, withPackage } from './read-package-info.ts'
import { createReleasing } from './releasing.ts'

const APPS = { limit: 200, after: undefined }
/** The tools ask for lists with a slash at the end. */
const ENDS = ['', '/']
const DEFAULT_DEPLOYMENTS = ['Production', 'Staging']

const AppParams = Type.Object({ app: Type.String({ maxLength: 200 }) })
const DeploymentParams = Type.Object({ ...AppParams.properties, deployment: Type.String({ maxLength: 100 }) })

/** Code Push §8: the management API that CodePush's command-line tools call. */
export function codePushPeople(parts: {
  db: Database
  access: AccessService
  clock: Clock
  apps: AppService
  channels: ChannelService
  channelKeys: ChannelKeyService
  contents: ContentService
  rollouts: RolloutService
  publishing: Publishing
  publicUrl: PublicUrl
  maxUploadBytes: number
}): FastifyPluginAsyncTypebox {
  const { db, apps, contents, publicUrl, maxUploadBytes } = parts
  const deployments = createDeployments(parts)
  const { release, promote, rollBack, patch } = createReleasing({ ...parts, deployments })

  /** Newest first. */
  async function describeHistory(request: FastifyRequest, deployment: Deployment) {
    const { entries } = await deployments.historyOf(deployment)
    const sources = await deployments.sourcesOf(deployment, entries)
    return entries.map((entry) => describePackage(entry, publicUrl(request), sources.get(entry.rollout_id)))
  }

  async function describeDeployment(request: FastifyRequest, deployment: Deployment) {
    const { name, key } = deployment
    return { name, key, package: (await describeHistory(request, deployment))[0] ?? null }
  }

  /** By its rollout: somebody else may have placed another one meanwhile. */
  async function placedOn(request: FastifyRequest, deployment: Deployment, rolloutId: string) {
    const { entries } = await deployments.historyOf(deployment)
    const sources = await deployments.sourcesOf(deployment, entries)
    const placed = entries.find(({ rollout_id }) => rollout_id === rolloutId)
    return { package: placed ? describePackage(placed, publicUrl(request), sources.get(rolloutId)) : null }
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
      collaborators: ownCollaborator(authorOf(request)),
      deployments: (await deployments.list(app, platform)).map((deployment) => deployment.name),
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
      const known = knownProblem(error)
      if (!known) throw error
      return reply.code(known.status).type('text/plain; charset=utf-8').send(known.message)
    })
    const hide = { hide: true } as const

    await app.register(codePushAccounts(createAccessKeys(parts), deployments))

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
          const [, system = request.body.os] = /[-_. ](android|ios)$/i.exec(name) ?? []
          const own = ['android', 'ios'].find((each) => each === system?.toLowerCase())
          const platforms: Platform[] = own ? [own as Platform] : ['android', 'ios']
          const created = await apps.create({ slug: slugOf(name), name, platforms }, authorOf(request))
          const row = await apps.get(created.id)
          const { platform } = await deployments.findApp(request.actor, row.slug)
          const names = manuallyProvisionDeployments ? [] : DEFAULT_DEPLOYMENTS
          for (const each of names) await deployments.create(authorOf(request), row, platform, { name: each })
          return reply
            .code(201)
            .send({ app: { name, collaborators: ownCollaborator(authorOf(request)), deployments: names } })
        },
      )
    }

    app.get(
      '/apps/:app',
      { config: { access: 'apps:read' }, schema: { ...hide, params: AppParams } },
      async (request) => {
        const { app: row, platform } = await deployments.findApp(request.actor, request.params.app)
        const names = (await deployments.list(row, platform)).map(({ name }) => name)
        return {
          app: { name: request.params.app, collaborators: ownCollaborator(authorOf(request)), deployments: names },
        }
      },
    )

    for (const end of ENDS) {
      app.get(
        `/apps/:app/deployments${end}`,
        { config: { access: 'apps:read' }, schema: { ...hide, params: AppParams } },
        async (request) => {
          const { app: row, platform } = await deployments.findApp(request.actor, request.params.app)
          const found = await deployments.list(row, platform)
          return { deployments: await Promise.all(found.map((each) => describeDeployment(request, each))) }
        },
      )

      app.post(
        `/apps/:app/deployments${end}`,
        { config: { access: 'channels:change' }, schema: { ...hide, params: AppParams, body: NewDeployment } },
        async (request, reply) => {
          const { app: row, platform } = await deployments.findApp(request.actor, request.params.app)
          return reply
            .code(201)
            .send({ deployment: await deployments.create(authorOf(request), row, platform, request.body) })
        },
      )
    }

    const read = { config: { access: 'releases:read' }, schema: { ...hide, params: DeploymentParams } } as const
    app.get('/apps/:app/deployments/:deployment', read, async (request) => ({
      deployment: await describeDeployment(request, await deployments.find(request.actor, request.params)),
    }))

    app.get('/apps/:app/deployments/:deployment/history', read, async (request) => {
      const history = await describeHistory(request, await deployments.find(request.actor, request.params))
      // Oldest first.
      return { history: history.toReversed() }
    })

    app.get('/apps/:app/deployments/:deployment/metrics', read, async (request) => {
      const deployment = await deployments.find(request.actor, request.params)
      const { entries } = await deployments.historyOf(deployment)
      const figures = await sumRolloutHours(
        db,
        entries.map(({ rollout_id }) => rollout_id),
      )
      const running = await countRunning(db, placeOf(deployment))
      return { metrics: metricsOf(entries, figures, running) }
    })

    app.post(
      '/apps/:app/deployments/:deployment/release',
      {
        bodyLimit: maxUploadBytes,
        config: { access: 'releases:publish' },
        schema: { ...hide, params: DeploymentParams },
      },
      async (request, reply) => {
        const deployment = await deployments.find(request.actor, request.params)
        const placed = await withPackage(request, contents, (content, info) =>
          release(request, deployment, content, info),
        )
        return reply.code(201).send(await placedOn(request, deployment, placed))
      },
    )

    const change = { config: { access: 'rollouts:change' }, schema: { ...hide, params: DeploymentParams } } as const
    app.patch('/apps/:app/deployments/:deployment/release', change, async (request, reply) => {
      const deployment = await deployments.find(request.actor, request.params)
      const changed = await patch(request, deployment, readPackageInfo(request.body))
      if (changed === undefined) return reply.code(204).send()
      return reply.send(await placedOn(request, deployment, changed))
    })

    app.post(
      '/apps/:app/deployments/:deployment/promote/:to',
      {
        config: { access: 'rollouts:change' },
        schema: { ...hide, params: Type.Object({ ...DeploymentParams.properties, to: Type.String() }) },
      },
      async (request, reply) => {
        const { app: name, to: target } = request.params
        const from = await deployments.find(request.actor, request.params)
        const to = await deployments.find(request.actor, { app: name, deployment: target })
        const placed = await promote(request, from, to, readPackageInfo(request.body))
        return reply.code(201).send(await placedOn(request, to, placed))
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
          const deployment = await deployments.find(request.actor, request.params)
          const placed = await rollBack(request, deployment, request.params.label)
          return reply.code(201).send(await placedOn(request, deployment, placed))
        },
      )
    }

    app.all('/*', { config: { access: 'apps:read' }, schema: hide }, async ({ method, url }) => {
      const instead = HINTS.find(({ path }) => path.test(url))?.instead ?? '"hotpatch"'
      throw problem(
        'not-found',
        `This server does not do that for CodePush's tools: use ${instead} instead. (${method})`,
      )
    })
  }
}

const NewCodePushApp = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 63, pattern: '^[A-Za-z0-9][A-Za-z0-9 ._-]*$' }),
  /** Of tools before 3.0, which ask for it: iOS, Android or Windows. */
  os: Type.Optional(Type.Union([Type.String({ maxLength: 20 }), Type.Null()])),
  manuallyProvisionDeployments: Type.Optional(Type.Boolean()),
})
const NewDeployment = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 63 }),
  key: Type.Optional(Type.String({ pattern: '^(?!hpk_)[A-Za-z0-9._~-]{16,128}$' })),
})

/** What there is for that which these tools are not told how to do. */
const HINTS = [
  { path: /\/collaborators\//, instead: '"hotpatch tokens create --app" or "hotpatch tokens revoke"' },
  { path: /\/transfer\//, instead: '"hotpatch tokens create --app"' },
  { path: /\/sessions\//, instead: '"hotpatch tokens revoke"' },
] as const
