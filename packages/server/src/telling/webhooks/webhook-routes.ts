import {
  DeliveryFilter,
  NewWebhook,
  PageQuery,
  pageOf,
  Webhook,
  WebhookChanges,
  WebhookDelivery,
  WebhookDeliveryDetail,
  WebhookFilter,
  WebhookWithSecret,
} from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { appsOf } from '../../people/authors/actor.ts'
import type { ResolveApp } from '../../people/authors/resolve-app.ts'
import { authorOf } from '../../people/authors/author.ts'
import { readPageRequest } from '../../ground/http/paging.ts'
import type { DeliveryService } from './delivery-service.ts'
import type { WebhookService } from './webhook-service.ts'
import { renderWebhook } from './webhook.ts'

const WebhookParams = Type.Object({ id: Type.String() })
const DeliveryParams = Type.Object({ id: Type.String(), deliveryId: Type.String() })

interface WebhookRouteOptions {
  webhooks: WebhookService
  deliveries: DeliveryService
  resolveApp: ResolveApp
}

export function webhookRoutes(options: WebhookRouteOptions): FastifyPluginAsyncTypebox {
  const { webhooks, resolveApp } = options
  const config = { access: 'webhooks:manage' as const }
  const tags = ['webhooks']
  return async (app) => {
    app.get(
      '/webhooks',
      {
        config,
        schema: {
          tags,
          summary: 'Webhooks, newest first',
          querystring: Type.Object({ ...WebhookFilter.properties, ...PageQuery.properties }),
          response: { 200: pageOf(Webhook) },
        },
      },
      async (request) => {
        const { app: named } = request.query
        const ofApps = named === undefined ? appsOf(request.actor) : [(await resolveApp(request, named)).id]
        return webhooks.list(ofApps, readPageRequest(request.query))
      },
    )

    app.post(
      '/webhooks',
      {
        config,
        schema: {
          tags,
          summary: 'Makes a webhook; its secret is shown once',
          body: NewWebhook,
          response: { 201: WebhookWithSecret },
        },
      },
      async (request, reply) => {
        const { app: named } = request.body
        const appId = named === undefined ? null : (await resolveApp(request, named)).id
        return reply.code(201).send(await webhooks.create(request.body, appId, authorOf(request)))
      },
    )

    app.get(
      '/webhooks/:id',
      { config, schema: { tags, summary: 'One webhook', params: WebhookParams, response: { 200: Webhook } } },
      async (request) => renderWebhook(await webhooks.get(request.params.id, request.actor)),
    )

    app.patch(
      '/webhooks/:id',
      {
        config,
        schema: {
          tags,
          summary: 'Changes where a webhook goes and what it is told, disables or enables it',
          params: WebhookParams,
          body: WebhookChanges,
          response: { 200: Webhook },
        },
      },
      async (request) => {
        const webhook = await webhooks.get(request.params.id, request.actor)
        return webhooks.change(webhook, request.body, authorOf(request))
      },
    )

    app.delete(
      '/webhooks/:id',
      {
        config,
        schema: {
          tags,
          summary: 'Removes a webhook, with its deliveries',
          params: WebhookParams,
          response: { 200: Webhook },
        },
      },
      async (request) => webhooks.remove(await webhooks.get(request.params.id, request.actor), authorOf(request)),
    )

    app.post(
      '/webhooks/:id/rotate-secret',
      {
        config,
        schema: {
          tags,
          summary: 'Makes a new secret, shown once; the old one signs, too, for 24 hours',
          params: WebhookParams,
          response: { 200: WebhookWithSecret },
        },
      },
      async (request) => webhooks.rotateSecret(await webhooks.get(request.params.id, request.actor), authorOf(request)),
    )

    await app.register(deliveryRoutes(options))
  }
}

function deliveryRoutes({ webhooks, deliveries }: WebhookRouteOptions): FastifyPluginAsyncTypebox {
  const config = { access: 'webhooks:manage' as const }
  const tags = ['webhooks']
  return async (app) => {
    app.post(
      '/webhooks/:id/test',
      {
        config,
        schema: {
          tags,
          summary: 'Sends a test, once, and answers with what came of it',
          params: WebhookParams,
          response: { 200: WebhookDeliveryDetail },
        },
      },
      async (request) => deliveries.test(await webhooks.get(request.params.id, request.actor), authorOf(request)),
    )

    app.get(
      '/webhooks/:id/deliveries',
      {
        config,
        schema: {
          tags,
          summary: 'What was sent and what came of it, newest first; the last 30 days',
          params: WebhookParams,
          querystring: Type.Object({ ...DeliveryFilter.properties, ...PageQuery.properties }),
          response: { 200: pageOf(WebhookDelivery) },
        },
      },
      async (request) => {
        const webhook = await webhooks.get(request.params.id, request.actor)
        return deliveries.list(webhook, request.query, readPageRequest(request.query))
      },
    )

    app.get(
      '/webhooks/:id/deliveries/:deliveryId',
      {
        config,
        schema: {
          tags,
          summary: 'One delivery, with what is sent and its newest attempts',
          params: DeliveryParams,
          response: { 200: WebhookDeliveryDetail },
        },
      },
      async (request) => {
        const webhook = await webhooks.get(request.params.id, request.actor)
        return deliveries.get(webhook, request.params.deliveryId)
      },
    )

    app.post(
      '/webhooks/:id/deliveries/:deliveryId/redeliver',
      {
        config,
        schema: {
          tags,
          summary: 'Sends a delivery again, now',
          params: DeliveryParams,
          response: { 202: WebhookDelivery },
        },
      },
      async (request, reply) => {
        const webhook = await webhooks.get(request.params.id, request.actor)
        return reply.code(202).send(await deliveries.redeliver(webhook, request.params.deliveryId, authorOf(request)))
      },
    )
  }
}
