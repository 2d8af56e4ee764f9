import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { serverRoute } from '../ground/routes.ts'
import { readDeliverySearch } from './delivery-search.ts'

const webhooksRoute = createRoute({
  getParentRoute: () => serverRoute,
  path: '/webhooks',
  component: lazyRouteComponent(() => import('./webhooks-page.tsx'), 'WebhooksPage'),
})

const webhookRoute = createRoute({
  getParentRoute: () => serverRoute,
  path: '/webhooks/$webhook',
  validateSearch: readDeliverySearch,
  component: lazyRouteComponent(() => import('./webhook-page.tsx'), 'WebhookPage'),
})

const deliveryRoute = createRoute({
  getParentRoute: () => serverRoute,
  path: '/webhooks/$webhook/deliveries/$delivery',
  component: lazyRouteComponent(() => import('./delivery-page.tsx'), 'DeliveryPage'),
})

export const webhooksRoutes = [webhooksRoute, webhookRoute, deliveryRoute]
