import type { FastifyPluginAsync } from 'fastify'
import { reactNativeAuthRoutes } from './auth-routes.ts'
import { reactNativeManagementRoutes } from './management-routes.ts'

/** The people's side of the React Native contract: at the root, and for one app under /apps/{slug}. */
export function reactNativePeople(
  parts: Parameters<typeof reactNativeAuthRoutes>[0] & Parameters<typeof reactNativeManagementRoutes>[0],
): FastifyPluginAsync {
  return async (app) => {
    await app.register(reactNativeAuthRoutes(parts))
    await app.register(reactNativeManagementRoutes(parts))
  }
}
