import { DEFAULT_GUARD, type GuardChoice, type GuardDifferences, type GuardSettings } from '@hotpatch/api'

/** What an app or a placement says, as differences from the defaults. */
export function differencesOf(choice: GuardChoice | undefined): GuardDifferences {
  if (choice === undefined) return {}
  return choice === 'off' ? { isOn: false } : choice
}

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
