import { PLATFORMS, type Platform } from '@hotpatch/protocol'
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '../ground/routes.ts'
import { readOneOf, readText } from '../ground/search.ts'

export interface AppVersionsSearch {
  channel?: string | undefined
  platform?: Platform | undefined
}

const appVersionsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/app-versions',
  validateSearch: (search): AppVersionsSearch => ({
    channel: readText(search, 'channel'),
    platform: readOneOf(search, 'platform', PLATFORMS),
  }),
  component: lazyRouteComponent(() => import('./app-versions-page.tsx'), 'AppVersionsPage'),
})

export const appVersionsRoutes = [appVersionsRoute]
