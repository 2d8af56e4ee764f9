import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { serverRoute } from '../ground/routes.ts'

const listRoute = createRoute({
  getParentRoute: () => serverRoute,
  path: '/tokens',
  // Those that work, unless others are asked for.
  validateSearch: ({ ended }: Record<string, unknown>) => (ended === true ? { ended } : {}),
  component: lazyRouteComponent(() => import('./tokens-page.tsx'), 'TokensPage'),
})

const newRoute = createRoute({
  getParentRoute: () => serverRoute,
  path: '/tokens/new',
  component: lazyRouteComponent(() => import('./new-token-page.tsx'), 'NewTokenPage'),
})

export const tokensRoutes = [listRoute, newRoute]
