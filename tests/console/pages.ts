import type { ConsolePages } from './console-page.ts'
import { accountPages } from './pages/account.ts'
import { appsPages } from './pages/apps.ts'
import { auditPages } from './pages/audit.ts'
import { devicesAndInsightsPages } from './pages/devices-and-insights.ts'
import { rolloutsPages } from './pages/rollouts.ts'
import { peoplePages } from './pages/people.ts'
import { settingsPages } from './pages/settings.ts'
import { tokensPages } from './pages/tokens.ts'
import { trustPages } from './pages/trust.ts'
import { webhooksPages } from './pages/webhooks.ts'
import { releasesPages } from './pages/releases.ts'

/** One line for each domain. The first makes the app `demo`. */
export const CONSOLE_PAGES: readonly ConsolePages[] = [
  appsPages,
  rolloutsPages,
  devicesAndInsightsPages,
  settingsPages,
  accountPages,
  releasesPages,
  peoplePages,
  //
  auditPages,
  webhooksPages,
  trustPages,
  tokensPages,
]
