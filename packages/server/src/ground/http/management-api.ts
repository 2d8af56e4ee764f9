import type { FastifyInstance, FastifyPluginAsync, RouteOptions } from 'fastify'
import type { TSchema } from 'typebox'
import { sayNoStore } from './say-no-store.ts'

export const MANAGEMENT_PREFIX = '/manage/v1'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The parts of a multipart body, which the route reads by itself: for its description only. */
    form?: TSchema
  }
}

/** The management routes, with OpenAPI 3.1 made from their own schemas and a reference page. */
export function managementApi(routes: readonly FastifyPluginAsync[], version: string): FastifyPluginAsync {
  return async (app) => {
    sayNoStore(app)
    const described: RouteOptions[] = []
    app.addHook('onRoute', (route) => void described.push(route))
    for (const route of routes) await app.register(route)
    addDescription(app, described.slice(), version)
  }
}

/** What describes the API is loaded when somebody asks: it is large, and a server that devices ask hardly ever needs it. */
function addDescription(app: FastifyInstance, described: readonly RouteOptions[], version: string): void {
  let description: Promise<FastifyInstance> | undefined
  const describe = () =>
    (description ??= import('./management-reference.ts').then(({ describeApi }) =>
      describeApi(described, { version, prefix: MANAGEMENT_PREFIX }),
    ))
  app.addHook('onClose', async () => {
    await (await description)?.close()
  })
  app.get('/openapi.json', { config: { access: 'public' } }, async () => (await describe()).swagger())
  for (const path of ['/reference', '/reference/*']) {
    app.get(path, { config: { access: 'public' } }, async (request, reply) => {
      const page = await describe()
      reply.hijack()
      page.routing(request.raw, reply.raw)
    })
  }
}
