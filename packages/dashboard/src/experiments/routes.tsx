import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '../ground/routes.ts'

const experimentsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/experiments',
  component: lazyRouteComponent(() => import('./experiments-page.tsx'), 'ExperimentsPage'),
})

const newExperimentRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/experiments/new',
  component: lazyRouteComponent(() => import('./new-experiment-page.tsx'), 'NewExperimentPage'),
})

const experimentRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/experiments/$experiment',
  component: lazyRouteComponent(() => import('./experiment-page.tsx'), 'ExperimentPage'),
})

export const experimentsRoutes = [experimentsRoute, newExperimentRoute, experimentRoute]
