import type { Fields } from '../reading/read-fields.ts'

/**
 * Code Push §1: both spellings are taken everywhere; the newer one is what refusals name. Written out: every check does
 * this, and putting it together from a list of names takes ten times as long.
 */
export function fieldsInBothSpellings(fields: Fields) {
  return {
    deployment_key: fields.deploymentKey ?? fields.deployment_key,
    app_version: fields.appVersion ?? fields.app_version,
    package_hash: fields.packageHash ?? fields.package_hash,
    is_companion: fields.isCompanion ?? fields.is_companion,
    label: fields.label,
    client_unique_id: fields.clientUniqueId ?? fields.client_unique_id,
    status: fields.status,
  }
}

/** Their paths are short. */
export function isOlder(path: string): boolean {
  return !path.startsWith('/v0.1/')
}
