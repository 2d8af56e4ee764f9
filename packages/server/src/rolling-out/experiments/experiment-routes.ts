import { Experiment, ExperimentEnd, Id, NewExperiment, pageOf, PageQuery } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import { authorOf } from '../../people/authors/author.ts'
import { readPageRequest } from '../../ground/http/paging.ts'
import { renderExperiment, type ExperimentService } from './experiment-service.ts'

const ExperimentParams = Type.Object({ experimentId: Id })

export function experimentRoutes({
  experiments,
  resolveApp,
}: {
  experiments: ExperimentService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/apps/:app/experiments',
      {
        config: { access: 'experiments:read' },
        schema: {
          tags: ['experiments'],
          summary: 'A/B tests, newest first',
          params: AppParams,
          querystring: PageQuery,
          response: { 200: pageOf(Experiment) },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return experiments.list(found, readPageRequest(request.query))
      },
    )

    app.post(
      '/apps/:app/experiments',
      {
        config: { access: 'experiments:change' },
        schema: {
          tags: ['experiments'],
          summary: 'Starts an A/B test: a rollout for each arm, on top of the channel',
          params: AppParams,
          body: NewExperiment,
          response: { 201: Experiment },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        return reply.code(201).send(await experiments.create(found, request.body, authorOf(request)))
      },
    )

    app.get(
      '/experiments/:experimentId',
      {
        config: { access: 'experiments:read' },
        schema: {
          tags: ['experiments'],
          summary: 'An A/B test with its arms',
          params: ExperimentParams,
          response: { 200: Experiment },
        },
      },
      async (request) => renderExperiment(await experiments.get(request.params.experimentId, request.actor)),
    )

    app.post(
      '/experiments/:experimentId/finish',
      {
        config: { access: 'experiments:change' },
        schema: {
          tags: ['experiments'],
          summary: 'Ends an A/B test: its winner goes to all, or without one everybody goes back',
          params: ExperimentParams,
          body: ExperimentEnd,
          response: { 200: Experiment },
        },
      },
      async (request) => {
        const found = await experiments.get(request.params.experimentId, request.actor)
        return experiments.finish(found, request.body, authorOf(request))
      },
    )
  }
}
