import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { serverRoute } from '../ground/routes.ts'
import { readAuditSearch } from './audit-search.ts'

const auditRoute = createRoute({
  getParentRoute: () => serverRoute,
  path: '/audit',
  validateSearch: readAuditSearch,
  component: lazyRouteComponent(() => import('./audit-page.tsx'), 'AuditPage'),
})

const entryRoute = createRoute({
  getParentRoute: () => serverRoute,
  path: '/audit/$entry',
  component: lazyRouteComponent(() => import('./entry-page.tsx'), 'EntryPage'),
})

export const auditRoutes = [auditRoute, entryRoute]
