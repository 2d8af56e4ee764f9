import { problem } from '@hotpatch/protocol'
import type { Catalogs, KeyHolder } from './catalogs.ts'
import type { AppClaim } from './dialect.ts'

/**
 * Whose device this is. The key decides, and that of a channel decides about the channel, too; an app that was switched to open may be named without one.
 * @param addressName id or slug, as the request's address names it
 * @param defaultApp of requests that name none
 * @throws problem app-key-required or app-key-invalid
 */
export function identifyApp(
  catalogs: Catalogs,
  claim: AppClaim,
  addressName: string | undefined,
  defaultApp: string | null,
): KeyHolder {
  const { key, name } = claim
  if (key !== undefined && key !== '') {
    const holder = catalogs.findKeyHolder(key)
    if (!holder) throw problem('app-key-invalid', 'No app has the key in the header x-app-key.')
    const { app } = holder
    const isOther = (named: string | undefined) => named !== undefined && named !== app.id && named !== app.slug
    if (isOther(addressName) || isOther(name)) {
      throw problem('app-key-invalid', 'The key in x-app-key is of another app.')
    }
    return holder
  }
  const named = addressName ?? name ?? defaultApp
  const app = named === null ? undefined : catalogs.findApp(named)
  if (app?.isOpen) return { app, channel: null }
  throw problem('app-key-required', 'Expected the header x-app-key with the key of the app, found none.')
}
