import { ApiProblem, type App } from '@hotpatch/api'
import { queryOptions, useSuspenseQuery } from '@tanstack/react-query'
import { createRootRoute, createRoute, Outlet, redirect, type ParsedLocation } from '@tanstack/react-router'
import { currentApi } from './api.ts'
import { whoamiQuery } from './permissions.ts'
import { BASE_PATH } from './place.ts'
import { appKey, queries } from './queries.ts'

/** What is around every page; the shell is put around it by app/. */
export const rootRoute = createRootRoute()

/** Pages for whoever is not signed in: sign-in, invitations. */
export const publicRoute = createRoute({ getParentRoute: () => rootRoute, id: 'public', component: Outlet })

/** Pages about the server as a whole, such as /people. */
export const serverRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'server',
  beforeLoad: ({ location }) => requireSignIn(location),
})

/** Pages of one app, such as /apps/$app/releases. `app` is its slug. */
export const appRoute = createRoute({
  getParentRoute: () => serverRoute,
  path: '/apps/$app',
  loader: ({ params }) => queries.ensureQueryData(appQuery(params.app)),
  component: Outlet,
})

/** The slug of the app that this page is about. */
export function useAppSlug(): string {
  return appRoute.useParams().app
}

/** The app that this page is about: it was read before the page was shown. */
export function useCurrentApp(): App {
  return useSuspenseQuery(appQuery(useAppSlug())).data
}

function appQuery(slug: string) {
  return queryOptions({ queryKey: appKey(slug, 'app'), queryFn: () => currentApi().getApp(slug) })
}

async function requireSignIn({ href }: ParsedLocation): Promise<void> {
  try {
    await queries.ensureQueryData(whoamiQuery)
  } catch (error) {
    if (!(error instanceof ApiProblem && error.status === 401)) throw error
    // Back to where they wanted to go, once they are signed in.
    throw redirect({ to: '/sign-in', search: href === '/' ? {} : { returnTo: BASE_PATH + href } })
  }
}
