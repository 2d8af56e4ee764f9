import { DEFAULT_GUARD, type GuardChoice, type GuardDifferences, type GuardSettings } from '@hotpatch/api'
import { differencesOf } from '../../shipping/apps/guard-differences.ts'

/**
 * The defaults, then the app's differences, then those of who places the rollout. A roll-back pauses at most, unless its
 * publisher has signed a further step back.
 */
export function settingsFor(
  appDifferences: GuardDifferences,
  choice: GuardChoice | undefined,
  { isLastStep }: { isLastStep: boolean },
): GuardSettings {
  const settings = { ...DEFAULT_GUARD, ...appDifferences, ...differencesOf(choice) }
  return isLastStep && settings.action === 'roll-back' ? { ...settings, action: 'pause' } : settings
}
