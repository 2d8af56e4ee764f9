import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { publicRoute } from '../ground/routes.ts'
import { readText } from '../ground/search.ts'

export interface SignInSearch {
  /** A page of the console, from the server's root on. */
  returnTo?: string
  /** Why single sign-on did not let somebody in. */
  refused?: string
}

const signInRoute = createRoute({
  getParentRoute: () => publicRoute,
  path: '/sign-in',
  validateSearch: (search): SignInSearch => {
    const returnTo = readText(search, 'returnTo')
    const refused = readText(search, 'refused')
    return { ...(returnTo && { returnTo }), ...(refused && { refused }) }
  },
  component: lazyRouteComponent(() => import('./sign-in-page.tsx'), 'SignInPage'),
})

/** All one-time links are used alike; what one is for, the server says. */
const component = lazyRouteComponent(() => import('./one-time-link-page.tsx'), 'OneTimeLinkPage')
const getParentRoute = () => publicRoute
const welcomeRoute = createRoute({ getParentRoute, path: '/welcome', component })
const invitationRoute = createRoute({ getParentRoute, path: '/invitation', component })
const resetRoute = createRoute({ getParentRoute, path: '/reset', component })

export const signInRoutes = [signInRoute, welcomeRoute, invitationRoute, resetRoute]
