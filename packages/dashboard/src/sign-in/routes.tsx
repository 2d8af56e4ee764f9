import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { publicRoute } from '../ground/routes.ts'
import { readText } from '../ground/search.ts'

export const signInRoute = createRoute({
  getParentRoute: () => publicRoute,
  path: '/sign-in',
  validateSearch: (search): { next?: string } => {
    const next = readText(search, 'next')
    return next === undefined ? {} : { next }
  },
  component: lazyRouteComponent(() => import('./sign-in-page.tsx'), 'SignInPage'),
})

export const signInRoutes = [signInRoute]
