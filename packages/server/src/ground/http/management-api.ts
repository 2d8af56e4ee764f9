import { ProblemDocument } from '@hotpatch/api'
import swagger, { type SwaggerTransformObject } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifyPluginAsync, FastifySchema } from 'fastify'
import type { TSchema } from 'typebox'
import { sayNoStore } from './say-no-store.ts'

export const MANAGEMENT_PREFIX = '/manage/v1'

/** The management routes, with OpenAPI 3.1 made from their own schemas and a reference page. */
export function managementApi(routes: readonly FastifyPluginAsync[], version: string): FastifyPluginAsync {
  return async (app) => {
    sayNoStore(app)
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'HotPatch management API',
          version,
          description: 'Bearer tokens; errors are RFC 9457 problem details; lists have a cursor.',
        },
        components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
        security: [{ token: [] }],
      },
      transform: ({ schema, url, route }) => ({ schema: withForm(schema, route.config?.form), url }),
      transformObject: withProblems,
    })
    for (const route of routes) await app.register(route)
    app.get('/openapi.json', { config: { access: 'public' }, schema: { hide: true } }, () => app.swagger())
    await app.register(referencePage)
  }
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The parts of a multipart body, which the route reads by itself: for its description only. */
    form?: TSchema
  }
}

function withForm(schema: FastifySchema, form: TSchema | undefined): FastifySchema {
  return form ? { ...schema, body: form } : schema
}

/** Every operation may answer with a problem. Said here, as the routes' own schemas only write what they answer with. */
const withProblems: SwaggerTransformObject = (document) => {
  if (!('openapiObject' in document)) return document.swaggerObject
  const { openapiObject } = document
  const { $id: _, ...schema } = ProblemDocument as { $id?: string }
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
  openapiObject.components = {
    ...openapiObject.components,
    schemas: { ...openapiObject.components?.schemas, Problem: schema },
    responses: { Problem: { description: 'A problem, as RFC 9457 has it; `type` says which.', content } },
  }
  for (const operations of Object.values(openapiObject.paths ?? {})) {
    for (const operation of Object.values(operations ?? {})) {
      if (typeof operation !== 'object' || !('responses' in operation)) continue
      operation.responses = { ...operation.responses, default: { $ref: '#/components/responses/Problem' } }
    }
  }
  return openapiObject
}

const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" width="160" height="40"><text x="0" y="28" font-family="sans-serif" ' +
  'font-size="26" font-weight="700" fill="#fff">HotPatch</text></svg>'

/** The page's own routes cannot say who may call them, so it is said for them. */
async function referencePage(app: FastifyInstance): Promise<void> {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, access: 'public' }
  })
  await app.register(swaggerUi, {
    routePrefix: '/reference',
    // The page writes its own addresses, and does not know where its plugin was mounted.
    indexPrefix: MANAGEMENT_PREFIX,
    // Nothing from elsewhere; and no upgrade to https, which is often not here but in a proxy.
    staticCSP: "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    theme: { title: 'HotPatch management API' },
    logo: { type: 'image/svg+xml', content: Buffer.from(LOGO) },
    uiConfig: { docExpansion: 'list', validatorUrl: null },
    logLevel: 'warn',
  })
}
