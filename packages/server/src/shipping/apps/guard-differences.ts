import type { GuardChoice, GuardDifferences } from '@hotpatch/api'

/** What an app or a placement says, as differences from the defaults. */
export function differencesOf(choice: GuardChoice | undefined): GuardDifferences {
  if (choice === undefined) return {}
  return choice === 'off' ? { isOn: false } : choice
}
