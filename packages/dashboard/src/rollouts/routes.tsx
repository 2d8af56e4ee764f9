import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '../ground/routes.ts'
import { readOneOf, readText } from '../ground/search.ts'

export const STATES = ['active', 'paused', 'halted', 'withdrawn'] as const

const rolloutsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/rollouts',
  validateSearch: (search: Record<string, unknown>) => ({
    channel: readText(search, 'channel'),
    platform: readText(search, 'platform'),
    state: readOneOf(search, 'state', STATES),
  }),
  component: lazyRouteComponent(() => import('./rollouts-page.tsx'), 'RolloutsPage'),
})

const newRolloutRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/rollouts/new',
  validateSearch: (search: Record<string, unknown>) => ({
    release: readText(search, 'release'),
    channel: readText(search, 'channel'),
    platform: readText(search, 'platform'),
    to: readOneOf(search, 'to', ['embedded']),
  }),
  component: lazyRouteComponent(() => import('./create/new-rollout-page.tsx'), 'NewRolloutPage'),
})

const rolloutRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/rollouts/$rollout',
  component: lazyRouteComponent(() => import('./detail/rollout-page.tsx'), 'RolloutPage'),
})

export const rolloutsRoutes = [rolloutsRoute, newRolloutRoute, rolloutRoute]
