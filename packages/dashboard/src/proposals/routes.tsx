import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { PROPOSAL_STATES } from '@hotpatch/api'
import { appRoute } from '../ground/routes.ts'
import { readOneOf, readText } from '../ground/search.ts'

const proposalsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/proposals',
  validateSearch: (search: Record<string, unknown>) => ({
    state: readOneOf(search, 'state', PROPOSAL_STATES),
    /** Only this one. */
    proposal: readText(search, 'proposal'),
  }),
  component: lazyRouteComponent(() => import('./proposals-page.tsx'), 'ProposalsPage'),
})

export const proposalsRoutes = [proposalsRoute]
