import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { PROPOSAL_STATES } from '@hotpatch/api'
import { appRoute } from '../ground/routes.ts'
import { readOneOf, readText } from '../ground/search.ts'

export interface ProposalsSearch {
  state?: (typeof PROPOSAL_STATES)[number] | undefined
  /** Only this one. */
  proposal?: string | undefined
}

const proposalsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/proposals',
  validateSearch: (search): ProposalsSearch => ({
    state: readOneOf(search, 'state', PROPOSAL_STATES),
    proposal: readText(search, 'proposal'),
  }),
  component: lazyRouteComponent(() => import('./proposals-page.tsx'), 'ProposalsPage'),
})

export const proposalsRoutes = [proposalsRoute]
