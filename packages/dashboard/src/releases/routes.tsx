import { CONTENT_KINDS, PLATFORMS, type ContentKindName, type Platform } from '@hotpatch/protocol'
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '../ground/routes.ts'
import { readOneOf, readText } from '../ground/search.ts'

export type ListedKind = ContentKindName

export interface ReleasesSearch {
  platform?: Platform | undefined
  channel?: string | undefined
  kind?: ListedKind | undefined
  archived?: true | undefined
  search?: string | undefined
}

const releasesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/releases',
  validateSearch: (search): ReleasesSearch => ({
    platform: readOneOf(search, 'platform', PLATFORMS),
    channel: readText(search, 'channel'),
    kind: readOneOf(search, 'kind', CONTENT_KINDS),
    archived: readText(search, 'archived') === 'true' ? true : undefined,
    search: readText(search, 'search')?.slice(0, 50),
  }),
  component: lazyRouteComponent(() => import('./releases-page.tsx'), 'ReleasesPage'),
})

export const RELEASE_TABS = ['overview', 'files', 'difference', 'downloads', 'signatures'] as const
export type ReleaseTab = (typeof RELEASE_TABS)[number]

export interface ReleaseSearch {
  tab?: ReleaseTab | undefined
  /** Of the files: a part of the path. */
  search?: string | undefined
  order?: 'size' | undefined
  /** The other release of the difference. */
  with?: string | undefined
  change?: 'added' | 'removed' | 'changed' | undefined
}

const releaseRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/releases/$release',
  validateSearch: (search): ReleaseSearch => ({
    tab: readOneOf(search, 'tab', RELEASE_TABS),
    search: readText(search, 'search')?.slice(0, 200),
    order: readOneOf(search, 'order', ['size']),
    with: readText(search, 'with'),
    change: readOneOf(search, 'change', ['added', 'removed', 'changed']),
  }),
  component: lazyRouteComponent(() => import('./release-page.tsx'), 'ReleasePage'),
})

export interface PublishSearch {
  kind?: ListedKind | undefined
  channel?: string | undefined
}

const publishRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/releases/publish',
  validateSearch: (search): PublishSearch => ({
    kind: readOneOf(search, 'kind', CONTENT_KINDS),
    channel: readText(search, 'channel'),
  }),
  component: lazyRouteComponent(() => import('./publish/publish-page.tsx'), 'PublishPage'),
})

export const releasesRoutes = [releasesRoute, publishRoute, releaseRoute]
