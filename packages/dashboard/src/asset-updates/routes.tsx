import { PLATFORMS, type Platform } from '@hotpatch/protocol'
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '../ground/routes.ts'
import { readOneOf, readText } from '../ground/search.ts'

export const ASSET_TABS = ['updates', 'deployments', 'statistics'] as const
export type AssetTab = (typeof ASSET_TABS)[number]

export const DEPLOYMENT_STATES = ['active', 'paused', 'halted', 'withdrawn'] as const

export interface AssetUpdatesSearch {
  tab?: AssetTab | undefined
  channel?: string | undefined
  platform?: Platform | undefined
  state?: (typeof DEPLOYMENT_STATES)[number] | undefined
}

const assetUpdatesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/asset-updates',
  validateSearch: (search): AssetUpdatesSearch => ({
    tab: readOneOf(search, 'tab', ASSET_TABS),
    channel: readText(search, 'channel'),
    platform: readOneOf(search, 'platform', PLATFORMS),
    state: readOneOf(search, 'state', DEPLOYMENT_STATES),
  }),
  component: lazyRouteComponent(() => import('./asset-updates-page.tsx'), 'AssetUpdatesPage'),
})

export const assetUpdatesRoutes = [assetUpdatesRoute]
