import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { serverRoute } from '../ground/routes.ts'

const accountRoute = createRoute({
  getParentRoute: () => serverRoute,
  path: '/account',
  component: lazyRouteComponent(() => import('./account-page.tsx'), 'AccountPage'),
})

export const accountRoutes = [accountRoute]
