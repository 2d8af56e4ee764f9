import { PageQuery, pageOf, Proposal, ProposalFilter, ProposalRejection } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import { authorOf } from '../../people/authors/author.ts'
import { readPageRequest } from '../../ground/http/paging.ts'
import type { ProposalService } from './proposal-service.ts'

const ProposalParams = Type.Object({ id: Type.String({ maxLength: 100 }) })

export function proposalRoutes({
  proposals,
  resolveApp,
}: {
  proposals: ProposalService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  const tags = ['proposals']
  const config = { access: 'rollouts:change' } as const
  return async (app) => {
    app.get(
      '/apps/:app/proposals',
      {
        config: { access: 'rollouts:read' },
        schema: {
          tags,
          summary: 'What waits, or waited, for a second person, newest first',
          params: AppParams,
          querystring: Type.Object({ ...ProposalFilter.properties, ...PageQuery.properties }),
          response: { 200: pageOf(Proposal) },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return proposals.list(found, request.query, readPageRequest(request.query))
      },
    )

    app.get(
      '/proposals/:id',
      {
        config: { access: 'rollouts:read' },
        schema: { tags, summary: 'One proposal', params: ProposalParams, response: { 200: Proposal } },
      },
      (request) => proposals.get(request.params.id, request.actor),
    )

    app.post(
      '/proposals/:id/approve',
      {
        config,
        schema: {
          tags,
          summary: 'Does what somebody else has proposed',
          params: ProposalParams,
          response: { 200: Proposal },
        },
      },
      (request) => proposals.approve(request.params.id, authorOf(request)),
    )

    app.post(
      '/proposals/:id/reject',
      {
        config,
        schema: {
          tags,
          summary: 'Says that it is not to be; a rollout that never started is withdrawn',
          params: ProposalParams,
          body: ProposalRejection,
          response: { 200: Proposal },
        },
      },
      (request) => proposals.reject(request.params.id, request.body.reason, authorOf(request)),
    )

    app.post(
      '/proposals/:id/withdraw',
      {
        config,
        schema: {
          tags,
          summary: "Takes back one's own proposal; a rollout that never started is withdrawn",
          params: ProposalParams,
          response: { 200: Proposal },
        },
      },
      (request) => proposals.withdraw(request.params.id, authorOf(request)),
    )
  }
}
