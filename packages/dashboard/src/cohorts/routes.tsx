import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '../ground/routes.ts'

const cohortsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/cohorts',
  component: lazyRouteComponent(() => import('./cohorts-page.tsx'), 'CohortsPage'),
})

const cohortRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/cohorts/$cohort',
  component: lazyRouteComponent(() => import('./cohort-page.tsx'), 'CohortPage'),
})

export const cohortsRoutes = [cohortsRoute, cohortRoute]
