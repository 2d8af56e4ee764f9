import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '../ground/routes.ts'
import { readOneOf, readText } from '../ground/search.ts'

export const SETTINGS_PARTS = ['general', 'clients', 'keys', 'guard', 'retention'] as const
export type SettingsPart = (typeof SETTINGS_PARTS)[number]

const settingsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/settings',
  validateSearch: (search): { part?: SettingsPart; client?: string } => {
    const part = readOneOf(search, 'part', SETTINGS_PARTS)
    const client = readText(search, 'client')
    return { ...(part && { part }), ...(client && { client }) }
  },
  component: lazyRouteComponent(() => import('./settings-page.tsx'), 'SettingsPage'),
})

const firstStepsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/first-steps',
  validateSearch: (search): { client?: string } => {
    const client = readText(search, 'client')
    return client ? { client } : {}
  },
  component: lazyRouteComponent(() => import('./first-steps-page.tsx'), 'FirstStepsPage'),
})

export const settingsRoutes = [settingsRoute, firstStepsRoute]
