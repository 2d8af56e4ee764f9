import {
  IconActivityHeartbeat,
  IconApps,
  IconAppWindow,
  IconBox,
  IconBroadcast,
  IconChartHistogram,
  IconChecks,
  IconDeviceMobile,
  IconFiles,
  IconFlask,
  IconHistory,
  IconKey,
  IconLockAccess,
  IconRocket,
  IconSettings,
  IconShieldCheck,
  IconUsers,
  IconUsersGroup,
  IconWebhook,
  type Icon,
} from '@tabler/icons-react'
import type { Destination } from '../../ground/links.tsx'

export interface NavigationEntry {
  /** As its route says it. One that no route has is an error of types. */
  address: Destination['to']
  /** Its text is `navigation.<text>` of the namespace `app`. */
  text: string
  icon: Icon
  /** Shown to whoever has it. */
  permission?: string
}

export const APP_ENTRIES: readonly NavigationEntry[] = [
  { address: '/apps/$app/overview', text: 'overview', icon: IconActivityHeartbeat },
  { address: '/apps/$app/releases', text: 'releases', icon: IconBox, permission: 'releases:read' },
  { address: '/apps/$app/rollouts', text: 'rollouts', icon: IconRocket, permission: 'rollouts:read' },
  { address: '/apps/$app/proposals', text: 'proposals', icon: IconChecks, permission: 'rollouts:read' },
  { address: '/apps/$app/devices', text: 'devices', icon: IconDeviceMobile, permission: 'devices:read' },
  { address: '/apps/$app/insights', text: 'insights', icon: IconChartHistogram, permission: 'insights:read' },
  { address: '/apps/$app/app-versions', text: 'appVersions', icon: IconAppWindow, permission: 'releases:read' },
  { address: '/apps/$app/asset-updates', text: 'assetUpdates', icon: IconFiles, permission: 'releases:read' },
  { address: '/apps/$app/channels', text: 'channels', icon: IconBroadcast, permission: 'apps:read' },
  { address: '/apps/$app/cohorts', text: 'cohorts', icon: IconUsersGroup, permission: 'cohorts:read' },
  { address: '/apps/$app/experiments', text: 'experiments', icon: IconFlask, permission: 'experiments:read' },
  { address: '/apps/$app/settings', text: 'settings', icon: IconSettings, permission: 'apps:read' },
]

export const SERVER_ENTRIES: readonly NavigationEntry[] = [
  { address: '/', text: 'apps', icon: IconApps },
  { address: '/people', text: 'people', icon: IconUsers, permission: 'people:manage' },
  { address: '/tokens', text: 'tokens', icon: IconKey, permission: 'tokens:manage' },
  { address: '/trust-rules', text: 'trustRules', icon: IconShieldCheck, permission: 'trust:manage' },
  { address: '/single-sign-on', text: 'singleSignOn', icon: IconLockAccess, permission: 'single-sign-on:manage' },
  { address: '/webhooks', text: 'webhooks', icon: IconWebhook, permission: 'webhooks:manage' },
  { address: '/audit', text: 'audit', icon: IconHistory, permission: 'audit:read' },
]
