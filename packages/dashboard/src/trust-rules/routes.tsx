import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { serverRoute } from '../ground/routes.ts'

const listRoute = createRoute({
  getParentRoute: () => serverRoute,
  path: '/trust-rules',
  component: lazyRouteComponent(() => import('./trust-rules-page.tsx'), 'TrustRulesPage'),
})

const newRoute = createRoute({
  getParentRoute: () => serverRoute,
  path: '/trust-rules/new',
  component: lazyRouteComponent(() => import('./new-trust-rule-page.tsx'), 'NewTrustRulePage'),
})

export const trustRulesRoutes = [listRoute, newRoute]
