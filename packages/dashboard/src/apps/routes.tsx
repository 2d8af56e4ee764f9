import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { appRoute, serverRoute } from '../ground/routes.ts'

const appsRoute = createRoute({
  getParentRoute: () => serverRoute,
  path: '/',
  component: lazyRouteComponent(() => import('./apps-page.tsx'), 'AppsPage'),
})

const newAppRoute = createRoute({
  getParentRoute: () => serverRoute,
  path: '/new-app',
  component: lazyRouteComponent(() => import('./new-app-page.tsx'), 'NewAppPage'),
})

const appHomeRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/apps/$app/overview', params, replace: true })
  },
})

export const appsRoutes = [appsRoute, newAppRoute]
export const appHomeRoutes = [appHomeRoute]
