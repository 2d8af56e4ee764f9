import { problem } from '@hotpatch/protocol'
import type { DirectoryEntry } from './catalog-queries.ts'
import type { Catalogs } from './catalogs.ts'
import type { AppClaim } from './dialect.ts'

/**
 * Whose device this is. The key decides; an app that was switched to open may be named without one.
 * @param addressName id or slug, as the request's address names it
 * @param defaultApp of requests that name none
 * @throws problem app-key-required or app-key-invalid
 */
export function identifyApp(
  catalogs: Catalogs,
  claim: AppClaim,
  addressName: string | undefined,
  defaultApp: string | null,
): DirectoryEntry {
  const { key, name } = claim
  if (key !== undefined && key !== '') {
    const app = catalogs.findAppByKey(key)
    if (!app) throw problem('app-key-invalid', 'No app has the key in the header x-app-key.')
    const isOther = (named: string | undefined) => named !== undefined && named !== app.id && named !== app.slug
    if (isOther(addressName) || isOther(name)) {
      throw problem('app-key-invalid', 'The key in x-app-key is of another app.')
    }
    return app
  }
  const named = addressName ?? name ?? defaultApp
  const app = named === null ? undefined : catalogs.findApp(named)
  if (app?.isOpen) return app
  throw problem('app-key-required', 'Expected the header x-app-key with the key of the app, found none.')
}
