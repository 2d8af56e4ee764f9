import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { serverRoute } from '../ground/routes.ts'

const singleSignOnRoute = createRoute({
  getParentRoute: () => serverRoute,
  path: '/single-sign-on',
  component: lazyRouteComponent(() => import('./single-sign-on-page.tsx'), 'SingleSignOnPage'),
})

export const singleSignOnRoutes = [singleSignOnRoute]
