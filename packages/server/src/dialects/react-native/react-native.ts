import type { FastifyPluginAsync } from 'fastify'
import { reactNativeAuthRoutes } from './auth-routes.ts'
import { reactNativeDeviceRoutes } from './device-routes.ts'
import { reactNativeManagementRoutes } from './management-routes.ts'

/** The React Native contract, docs/protocol/05-react-native.md: at the root, and for one app under /apps/{slug}. */
export function reactNative(
  parts: Parameters<typeof reactNativeAuthRoutes>[0] &
    Parameters<typeof reactNativeDeviceRoutes>[0] &
    Parameters<typeof reactNativeManagementRoutes>[0],
): FastifyPluginAsync {
  return async (app) => {
    await app.register(reactNativeAuthRoutes(parts))
    await app.register(reactNativeDeviceRoutes(parts))
    await app.register(reactNativeManagementRoutes(parts))
  }
}
