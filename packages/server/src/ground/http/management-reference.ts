import { ProblemDocument } from '@hotpatch/api'
import swagger, { type SwaggerTransformObject } from '@fastify/swagger'
import swaggerUi, { type FastifySwaggerUiOptions } from '@fastify/swagger-ui'
import Fastify, { type FastifyInstance, type FastifySchema, type RouteOptions } from 'fastify'
import type { TSchema } from 'typebox'
import { compileOnFirstUse } from './compile-schemas.ts'
import { answerWithProblems } from './problem-response.ts'
import { sayNoStore } from './say-no-store.ts'

/** An application of its own that describes `routes`, and serves the page about them: it carries none of them out. */
export async function describeApi(
  routes: readonly RouteOptions[],
  { version, prefix }: { version: string; prefix: string },
): Promise<FastifyInstance> {
  // Its schemas are read, never compiled.
  const app = Fastify({ logger: false, exposeHeadRoutes: true, schemaController: compileOnFirstUse().schemaController })
  sayNoStore(app)
  answerWithProblems(app)
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
    transform: ({ schema, url, route: { config } }) => ({
      schema: withAccess(withForm(schema, config?.form), config),
      url,
    }),
    transformObject: withProblems,
  })
  for (const { method, url, schema, config } of routes) {
    if (method === 'HEAD') continue
    const handler = () => Promise.reject(new Error('This application describes only.'))
    app.route({ method, url, ...(schema && { schema }), ...(config && { config }), exposeHeadRoute: false, handler })
  }
  await app.register(swaggerUi, pageAt(`${prefix}/reference`))
  await app.ready()
  return app
}

function withForm(schema: FastifySchema, form: TSchema | undefined): FastifySchema {
  return form ? { ...schema, body: form } : schema
}

/** Without it, the description would say that these want a token, too. */
function withAccess(schema: FastifySchema, config: RouteOptions['config']): FastifySchema {
  return config?.access === 'public' ? { ...schema, security: [] } : schema
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

function pageAt(routePrefix: string): FastifySwaggerUiOptions {
  return {
    routePrefix,
    // Nothing from elsewhere; and no upgrade to https, which is often not here but in a proxy.
    staticCSP: "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    theme: { title: 'HotPatch management API' },
    logo: { type: 'image/svg+xml', content: Buffer.from(LOGO) },
    uiConfig: { docExpansion: 'list', validatorUrl: null },
    logLevel: 'warn',
  }
}
