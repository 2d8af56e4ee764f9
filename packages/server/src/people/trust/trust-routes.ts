import { parse as parseForm } from 'fast-querystring'
import {
  ExchangedToken,
  NewTrustRule,
  PageQuery,
  pageOf,
  TokenExchange,
  TrustExplanation,
  TrustQuestion,
  TrustRule,
  TrustRuleChanges,
} from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { addressPrefix } from '../../ground/http/address-prefix.ts'
import { readPageRequest } from '../../ground/http/paging.ts'
import { requireRoom } from '../../ground/http/rate-limit.ts'
import type { CreateLimiter } from '../../ground/http/share-limits.ts'
import { appsOf } from '../authors/actor.ts'
import { authorOf } from '../authors/author.ts'
import type { ResolveApp } from '../authors/resolve-app.ts'
import type { TokenExchangeService } from './token-exchange.ts'
import type { TrustRuleService } from './trust-rule-service.ts'

const EXCHANGES_PER_MINUTE = 60
const MAX_EXCHANGE_BYTES = 32 * 1024

const tags = ['trust rules']

export function trustRoutes(parts: {
  trustRules: TrustRuleService
  tokenExchange: TokenExchangeService
  resolveApp: ResolveApp
  createLimiter: CreateLimiter
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    await app.register(ruleRoutes(parts))
    await app.register(exchangeRoutes(parts))
  }
}

function ruleRoutes({
  trustRules,
  resolveApp,
}: {
  trustRules: TrustRuleService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  const config = { access: 'trust:manage' as const }
  return async (app) => {
    app.get(
      '/trust-rules',
      {
        config,
        schema: {
          tags,
          summary: 'Which CI jobs may have which tokens, newest first',
          querystring: PageQuery,
          response: { 200: pageOf(TrustRule) },
        },
      },
      (request) => trustRules.list(readPageRequest(request.query), appsOf(request.actor)),
    )

    app.post(
      '/trust-rules',
      {
        config,
        schema: {
          tags,
          summary: 'Lets jobs with certain tokens of an issuer have short-lived ones of this server',
          body: NewTrustRule,
          response: { 201: TrustRule },
        },
      },
      async (request, reply) => {
        const { app: named } = request.body
        const appId = named === undefined ? null : (await resolveApp(request, named)).id
        return reply.code(201).send(await trustRules.create(request.body, appId, authorOf(request)))
      },
    )

    app.patch(
      '/trust-rules/:id',
      {
        config,
        schema: {
          tags,
          summary: 'Changes a rule; what jobs have got by it ends, unless it says of who may what the same as before',
          params: Type.Object({ id: Type.String() }),
          body: TrustRuleChanges,
          response: { 200: TrustRule },
        },
      },
      async (request) => {
        const { app: named } = request.body
        const appId = typeof named === 'string' ? (await resolveApp(request, named)).id : named
        return trustRules.change(request.params.id, request.body, appId, authorOf(request))
      },
    )

    app.delete(
      '/trust-rules/:id',
      {
        config,
        schema: {
          tags,
          summary: 'Removes a rule, and ends all tokens that jobs have got by it',
          params: Type.Object({ id: Type.String() }),
          response: { 200: TrustRule },
        },
      },
      (request) => trustRules.remove(request.params.id, authorOf(request)),
    )

    app.post(
      '/trust-rules/explain',
      {
        config,
        schema: {
          tags,
          summary: 'Why a token of an issuer would be let in or not, rule by rule',
          body: TrustQuestion,
          response: { 200: TrustExplanation },
        },
      },
      (request) => trustRules.explain(request.body.token, authorOf(request).actor),
    )
  }
}

function exchangeRoutes({
  tokenExchange,
  createLimiter,
}: {
  tokenExchange: TokenExchangeService
  createLimiter: CreateLimiter
}): FastifyPluginAsyncTypebox {
  const limiter = createLimiter('token exchanges', EXCHANGES_PER_MINUTE)
  return async (app) => {
    // RFC 8693 §2.1 has a form; scripts find JSON easier.
    app.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: MAX_EXCHANGE_BYTES },
      (_request, body, done) => done(null, { ...parseForm(String(body)) }),
    )
    app.addHook('onRequest', (request, _reply, done) => {
      requireRoom(limiter, addressPrefix(request.ip), 'this address', 1, 'token exchanges')
      done()
    })

    app.post(
      '/token-exchange',
      {
        config: { access: 'public' },
        bodyLimit: MAX_EXCHANGE_BYTES,
        schema: {
          tags,
          summary: 'Gives a short-lived API token for the identity token of a CI job (RFC 8693)',
          body: TokenExchange,
          response: { 200: ExchangedToken },
        },
      },
      (request) => tokenExchange.exchange(request.body, { address: request.ip, requestId: request.id }),
    )
  }
}
