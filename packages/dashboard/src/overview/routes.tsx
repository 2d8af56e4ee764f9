import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '../ground/routes.ts'
import { readText } from '../ground/search.ts'

export interface OverviewSearch {
  /** Of which the newest releases are shown. */
  channel?: string | undefined
}

const overviewRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/overview',
  validateSearch: (search): OverviewSearch => ({ channel: readText(search, 'channel') }),
  component: lazyRouteComponent(() => import('./overview-page.tsx'), 'OverviewPage'),
})

export const overviewRoutes = [overviewRoute]
