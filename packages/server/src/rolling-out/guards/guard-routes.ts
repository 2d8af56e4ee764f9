import {
  ChannelName,
  Guard,
  Id,
  GuardChanges,
  NextGuardTarget,
  PlatformName,
  SeenRevision,
  SteppedBack,
} from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import { requirePlatform } from '../../shipping/apps/app-service.ts'
import type { ReleaseService } from '../../shipping/releases/release-service.ts'
import type { RolloutService } from '../rollouts/rollout-service.ts'
import type { GuardService } from './guard-service.ts'

const RolloutParams = Type.Object({ id: Type.String() })

export function rolloutGuardRoutes({
  guards,
  rollouts,
  releases,
  resolveApp,
  publicUrl,
}: {
  guards: GuardService
  rollouts: RolloutService
  releases: ReleaseService
  resolveApp: ResolveApp
  publicUrl: PublicUrl
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/rollouts/:id/guard',
      {
        config: { access: 'rollouts:read' },
        schema: {
          tags: ['rollouts'],
          summary: "A rollout's guard: how it judges, what it sees now, and what it would trip at",
          params: RolloutParams,
          response: { 200: Guard },
        },
      },
      async (request) => guards.get(await rollouts.get(request.params.id, request.actor)),
    )

    app.patch(
      '/rollouts/:id/guard',
      {
        config: { access: 'rollouts:change' },
        schema: {
          tags: ['rollouts'],
          summary: 'Changes how a rollout is judged, from the next look on',
          params: RolloutParams,
          body: GuardChanges,
          response: { 200: Guard },
        },
      },
      async (request) => {
        const rollout = await rollouts.get(request.params.id, request.actor)
        return guards.change(rollout, request.body, authorOf(request))
      },
    )

    app.post(
      '/rollouts/:id/guard/rearm',
      {
        config: { access: 'rollouts:change' },
        schema: {
          tags: ['rollouts'],
          summary: 'Lets a guard that has tripped watch again, from now on',
          params: RolloutParams,
          response: { 200: Guard },
        },
      },
      async (request) => {
        const rollout = await rollouts.get(request.params.id, request.actor)
        return guards.rearm(rollout, authorOf(request))
      },
    )

    app.post(
      '/rollouts/:id/step-back',
      {
        config: { access: 'rollouts:change' },
        schema: {
          tags: ['rollouts'],
          summary: 'Halts a rollout and goes back, for the same devices, to what was before: as its guard would',
          params: RolloutParams,
          querystring: SeenRevision,
          response: { 200: SteppedBack },
        },
      },
      async (request) => {
        const rollout = await rollouts.get(request.params.id, request.actor)
        return guards.stepBack(rollout, authorOf(request), request.query.revision)
      },
    )

    app.get(
      '/apps/:app/guard-target',
      {
        config: { access: 'rollouts:change' },
        schema: {
          tags: ['rollouts'],
          summary: 'Where the guard of a release that is published now would go back to',
          params: AppParams,
          querystring: Type.Object({
            platform: PlatformName,
            channel: ChannelName,
            releaseId: Type.Optional({ ...Id, description: 'One that is placed again: it is no way back' }),
          }),
          response: { 200: NextGuardTarget },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        const { platform, channel, releaseId = null } = request.query
        requirePlatform(found, platform)
        const targets = await guards.findNextTargets({ appId: found.id, platform, channel }, releaseId)
        const rendered = targets.map((target) => releases.render(target, publicUrl(request)))
        const [release = null, earlier = null] = await Promise.all(rendered)
        return { release, earlier }
      },
    )
  }
}
