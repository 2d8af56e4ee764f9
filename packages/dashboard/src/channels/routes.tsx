import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '../ground/routes.ts'

const channelsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/channels',
  component: lazyRouteComponent(() => import('./channels-page.tsx'), 'ChannelsPage'),
})

const channelRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/channels/$channel',
  component: lazyRouteComponent(() => import('./channel-page.tsx'), 'ChannelPage'),
})

export const channelsRoutes = [channelsRoute, channelRoute]
