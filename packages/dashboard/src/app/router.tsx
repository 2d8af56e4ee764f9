import { createRouter } from '@tanstack/react-router'
import { accountRoutes } from '../account/routes.tsx'
import { appHomeRoutes, appsRoutes } from '../apps/routes.tsx'
import { auditRoutes } from '../audit/routes.tsx'
import { devicesRoutes } from '../devices/routes.tsx'
import { BASE_PATH } from '../ground/place.ts'
import { appRoute, publicRoute, rootRoute, serverRoute } from '../ground/routes.ts'
import { insightsRoutes } from '../insights/routes.tsx'
import { overviewRoutes } from '../overview/routes.tsx'
import { peopleRoutes } from '../people/routes.tsx'
import { settingsRoutes } from '../settings/routes.tsx'
import { appVersionsRoutes } from '../app-versions/routes.tsx'
import { assetUpdatesRoutes } from '../asset-updates/routes.tsx'
import { releasesRoutes } from '../releases/routes.tsx'
import { channelsRoutes } from '../channels/routes.tsx'
import { cohortsRoutes } from '../cohorts/routes.tsx'
import { experimentsRoutes } from '../experiments/routes.tsx'
import { proposalsRoutes } from '../proposals/routes.tsx'
import { rolloutsRoutes } from '../rollouts/routes.tsx'
import { signInRoutes } from '../sign-in/routes.tsx'
import { webhooksRoutes } from '../webhooks/routes.tsx'
import { singleSignOnRoutes } from '../single-sign-on/routes.tsx'
import { trustRulesRoutes } from '../trust-rules/routes.tsx'
import { tokensRoutes } from '../tokens/routes.tsx'
import { FailedPage, NotFoundPage } from './error-pages.tsx'
import { Shell } from './shell/shell.tsx'

/** One line for each domain, in the group of where its pages are: for everybody, of the server, of one app. */
const PUBLIC_PAGES = [
  ...signInRoutes,
  //
]
const SERVER_PAGES = [
  ...appsRoutes,
  ...singleSignOnRoutes,
  ...trustRulesRoutes,
  ...tokensRoutes,
  ...accountRoutes,
  ...peopleRoutes,
  ...auditRoutes,
  ...webhooksRoutes,
  //
]
const APP_PAGES = [
  ...appHomeRoutes,
  ...proposalsRoutes,
  ...rolloutsRoutes,
  ...experimentsRoutes,
  ...cohortsRoutes,
  ...channelsRoutes,
  ...overviewRoutes,
  ...devicesRoutes,
  ...insightsRoutes,
  ...settingsRoutes,
  ...releasesRoutes,
  ...appVersionsRoutes,
  ...assetUpdatesRoutes,
  //
]

export function createConsoleRouter() {
  serverRoute.update({ component: Shell })
  const routeTree = rootRoute.addChildren([
    publicRoute.addChildren(PUBLIC_PAGES),
    serverRoute.addChildren([...SERVER_PAGES, appRoute.addChildren(APP_PAGES)]),
  ])
  return createRouter({
    routeTree,
    basepath: BASE_PATH,
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    scrollRestoration: true,
    defaultNotFoundComponent: NotFoundPage,
    defaultErrorComponent: FailedPage,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    /** Links are held against the pages that there are. */
    router: ReturnType<typeof createConsoleRouter>
  }
}
