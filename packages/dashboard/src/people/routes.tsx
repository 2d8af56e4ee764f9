import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { serverRoute } from '../ground/routes.ts'
import { readText } from '../ground/search.ts'

const peopleRoute = createRoute({
  getParentRoute: () => serverRoute,
  path: '/people',
  validateSearch: (search): { text?: string } => {
    const text = readText(search, 'text')
    return text ? { text } : {}
  },
  component: lazyRouteComponent(() => import('./people-page.tsx'), 'PeoplePage'),
})

const personRoute = createRoute({
  getParentRoute: () => serverRoute,
  path: '/people/$person',
  component: lazyRouteComponent(() => import('./person-page.tsx'), 'PersonPage'),
})

export const peopleRoutes = [peopleRoute, personRoute]
