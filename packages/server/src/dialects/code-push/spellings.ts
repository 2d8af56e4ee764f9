import type { Fields } from '../reading/read-fields.ts'

/** What clients send, by the names of the older ones. */
const NAMES = {
  deploymentKey: 'deployment_key',
  appVersion: 'app_version',
  packageHash: 'package_hash',
  isCompanion: 'is_companion',
  label: 'label',
  clientUniqueId: 'client_unique_id',
  status: 'status',
} as const

/** Code Push §1: both spellings are taken everywhere; the newer one is what refusals name. */
export function fieldsInBothSpellings(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(NAMES).map(([older, newer]) => [newer, fields[older] ?? fields[newer]]))
}

/** Their paths are short. */
export function isOlder(path: string): boolean {
  return !path.startsWith('/v0.1/')
}
