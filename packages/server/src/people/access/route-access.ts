import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import type { Actor } from '../authors/actor.ts'
import type { Permission } from '../authors/permissions.ts'

/** Who may call a route: anyone, or a token whose role has this permission. What devices call is not here: the lane has it. */
export type RouteAccess = 'public' | Permission

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: RouteAccess
  }
  interface FastifyInstance {
    /** Every route, with who may call it. */
    declaredRoutes: readonly RouteOptions[]
  }
  interface FastifyRequest {
    /** Set on routes for people. */
    actor: Actor | null
  }
}

/**
 * Every route must declare who may call it; the server does not start with one that forgot.
 * Routes for people get the check in front of everything else, and again when a body has arrived: it may take minutes, in
 * which a token is revoked, or a person is disabled.
 */
export function guardRoutes(
  app: FastifyInstance,
  authenticate: (request: FastifyRequest, permission: Permission) => Promise<Actor>,
): void {
  const routes: RouteOptions[] = []
  app.decorate('declaredRoutes', routes)
  app.decorateRequest('actor', null)
  app.addHook('onRoute', (route) => {
    routes.push(route)
    const access = route.config?.access
    if (!access || access === 'public') return
    const existing = route.onRequest ?? []
    route.onRequest = [
      async (request: FastifyRequest) => {
        request.actor = await authenticate(request, access)
      },
      ...(Array.isArray(existing) ? existing : [existing]),
    ]
    const before = route.preValidation ?? []
    route.preValidation = [
      async (request: FastifyRequest) => {
        if (request.body !== undefined) request.actor = await authenticate(request, access)
      },
      ...(Array.isArray(before) ? before : [before]),
    ]
  })
  app.addHook('onReady', () => {
    const open = routes.filter((route) => !route.config?.access).map((route) => `${String(route.method)} ${route.url}`)
    if (open.length > 0) throw new Error(`These routes do not declare who may call them: ${open.join(', ')}`)
    return Promise.resolve()
  })
}
