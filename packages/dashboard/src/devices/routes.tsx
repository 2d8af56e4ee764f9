import { PLATFORMS, type Platform } from '@hotpatch/protocol'
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '../ground/routes.ts'
import { readOneOf, readText } from '../ground/search.ts'
import { DEVICE_STATES, SEEN_TIMES, type DeviceStateName, type SeenTime } from './device-states.ts'

export interface DevicesSearch {
  /** The beginning of the id that is shown, or the whole id that the app tells. */
  search?: string | undefined
  platform?: Platform | undefined
  channel?: string | undefined
  /** A release's id, or "embedded". */
  release?: string | undefined
  state?: DeviceStateName | undefined
  seen?: SeenTime | undefined
  /** The release that failed on them, of which figures lead here. */
  failed?: string | undefined
  reason?: string | undefined
  nativeVersion?: string | undefined
}

const devicesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/devices',
  validateSearch: (search): DevicesSearch => ({
    search: readText(search, 'search')?.slice(0, 200),
    platform: readOneOf(search, 'platform', PLATFORMS),
    channel: readText(search, 'channel'),
    release: readText(search, 'release'),
    state: readOneOf(search, 'state', DEVICE_STATES),
    seen: readOneOf(search, 'seen', SEEN_TIMES),
    failed: readText(search, 'failed'),
    reason: readText(search, 'reason'),
    nativeVersion: readText(search, 'nativeVersion')?.slice(0, 200),
  }),
  component: lazyRouteComponent(() => import('./devices-page.tsx'), 'DevicesPage'),
})

export interface DeviceSearch {
  /** The release that it should get, of which the page says what would have to change. */
  release?: string | undefined
}

const deviceRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/devices/$device',
  validateSearch: (search): DeviceSearch => ({ release: readText(search, 'release') }),
  component: lazyRouteComponent(() => import('./device-page.tsx'), 'DevicePage'),
})

export const devicesRoutes = [devicesRoute, deviceRoute]
