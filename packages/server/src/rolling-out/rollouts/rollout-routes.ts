import {
  ChannelName,
  InForce,
  NewRollback,
  NewRollout,
  PageQuery,
  pageOf,
  Rollout,
  RolloutChanges,
  RolloutDeed,
  RolloutFilter,
  SeenRevision,
} from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import { authorOf } from '../../people/authors/author.ts'
import { readPageRequest } from '../../ground/http/paging.ts'
import type { RolloutService, RolloutTransition } from './rollout-service.ts'

const RolloutParams = Type.Object({ id: Type.String() })

const TRANSITIONS: Record<RolloutTransition, string> = {
  pause: 'Keeps those who have it and takes no new ones',
  resume: 'Goes on after a pause',
  halt: 'Stops it for good: those who have it go elsewhere',
  withdraw: 'Takes it back for good, and lifts the floor that it set',
}

export function rolloutRoutes({
  rollouts,
  resolveApp,
}: {
  rollouts: RolloutService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/apps/:app/rollouts',
      {
        config: { access: 'rollouts:read' },
        schema: {
          tags: ['rollouts'],
          summary: 'Rollouts, newest first',
          params: AppParams,
          querystring: Type.Object({ ...RolloutFilter.properties, ...PageQuery.properties }),
          response: { 200: pageOf(Rollout) },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return rollouts.list(found, request.query, readPageRequest(request.query))
      },
    )

    app.post(
      '/apps/:app/rollouts',
      {
        config: { access: 'rollouts:change' },
        schema: {
          tags: ['rollouts'],
          summary: 'Places a release that exists on a channel: a promotion',
          params: AppParams,
          body: NewRollout,
          response: { 200: Rollout, 201: Rollout },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        const status = request.body.dryRun ? 200 : 201
        return reply.code(status).send(await rollouts.create(found, request.body, authorOf(request)))
      },
    )

    app.post(
      '/apps/:app/rollbacks',
      {
        config: { access: 'rollouts:change' },
        schema: {
          tags: ['rollouts'],
          summary: 'Rolls back: a new rollout, on top, of an older release or of embedded',
          params: AppParams,
          body: NewRollback,
          response: { 200: Rollout, 201: Rollout },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        const status = request.body.dryRun ? 200 : 201
        return reply.code(status).send(await rollouts.rollBack(found, request.body, authorOf(request)))
      },
    )

    app.get(
      '/rollouts/:id',
      {
        config: { access: 'rollouts:read' },
        schema: { tags: ['rollouts'], summary: 'One rollout', params: RolloutParams, response: { 200: Rollout } },
      },
      async (request) => rollouts.show(await rollouts.get(request.params.id, request.actor)),
    )

    app.get(
      '/rollouts/:id/deeds',
      {
        config: { access: 'rollouts:read' },
        schema: {
          tags: ['rollouts'],
          summary: 'Who did what to a rollout, its guard and its plan, newest first',
          params: RolloutParams,
          querystring: PageQuery,
          response: { 200: pageOf(RolloutDeed) },
        },
      },
      async (request) => {
        const rollout = await rollouts.get(request.params.id, request.actor)
        return rollouts.listDeeds(rollout, readPageRequest(request.query))
      },
    )

    app.get(
      '/apps/:app/channels/:channel/in-force',
      {
        config: { access: 'rollouts:read' },
        schema: {
          tags: ['rollouts'],
          summary: 'What devices of a channel are offered now, platform by platform',
          params: Type.Object({ ...AppParams.properties, channel: ChannelName }),
          response: { 200: InForce },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return rollouts.inForce(found, request.params.channel)
      },
    )

    app.patch(
      '/rollouts/:id',
      {
        config: { access: 'rollouts:change' },
        schema: {
          tags: ['rollouts'],
          summary: 'Changes whom a rollout is for, when it starts, or whether it is mandatory',
          params: RolloutParams,
          body: RolloutChanges,
          response: { 200: Rollout },
        },
      },
      async (request) => {
        const rollout = await rollouts.get(request.params.id, request.actor)
        return rollouts.change(rollout, request.body, authorOf(request))
      },
    )

    for (const [name, summary] of Object.entries(TRANSITIONS)) {
      app.post(
        `/rollouts/:id/${name}`,
        {
          config: { access: 'rollouts:change' },
          schema: {
            tags: ['rollouts'],
            summary,
            params: RolloutParams,
            querystring: SeenRevision,
            response: { 200: Rollout },
          },
        },
        async (request) => {
          const rollout = await rollouts.get(request.params.id, request.actor)
          const { revision } = request.query
          return rollouts.transition(rollout, name as RolloutTransition, authorOf(request), revision)
        },
      )
    }
  }
}
