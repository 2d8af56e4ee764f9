import { BUCKETS } from '@hotpatch/api'
import { PLATFORMS } from '@hotpatch/protocol'
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '../ground/routes.ts'
import { readOneOf, readText } from '../ground/search.ts'
import { RANGES, type InsightsSearch } from './insight-range.ts'

const insightsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/insights',
  validateSearch: (search): InsightsSearch => ({
    range: readOneOf(search, 'range', RANGES),
    from: readDay(search, 'from'),
    to: readDay(search, 'to'),
    bucket: readOneOf(search, 'bucket', BUCKETS),
    platform: readOneOf(search, 'platform', PLATFORMS),
    channel: readText(search, 'channel'),
    rollouts: readText(search, 'rollouts'),
  }),
  component: lazyRouteComponent(() => import('./insights-page.tsx'), 'InsightsPage'),
})

function readDay(search: Record<string, unknown>, name: string): string | undefined {
  const text = readText(search, name)
  return text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : undefined
}

export const insightsRoutes = [insightsRoute]
