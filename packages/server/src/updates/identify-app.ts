import { problem } from '@hotpatch/protocol'
import type { DirectoryEntry } from './catalog-queries.ts'
import type { Catalogs, KeyHolder } from './catalogs.ts'
import type { AppClaim, KeyWords } from './dialect.ts'

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
  const { key, name, bundleId, said = IN_HEADER } = readWord(catalogs, claim)
  if (key !== undefined && key !== '') {
    const holder = catalogs.findKeyHolder(key)
    if (!holder) throw problem('app-key-invalid', `No app has the ${said.key}.`)
    const { app } = holder
    if (isOther(app, addressName) || isOther(app, name)) {
      throw problem('app-key-invalid', `The ${said.key} is of another app.`)
    }
    if (!isCalled(app, bundleId)) {
      throw problem('app-key-invalid', `The ${said.key} is of an app whose binaries are not called ${bundleId}.`)
    }
    return holder
  }
  const app = findNamed(catalogs, { named: addressName ?? name, bundleId, defaultApp })
  if (app?.isOpen && isCalled(app, bundleId) && !isOther(app, name)) return { app, channel: null, platform: null }
  throw problem('app-key-required', said.missing)
}

const IN_HEADER: KeyWords = {
  key: 'key in the header x-app-key',
  missing: 'Expected the header x-app-key with the key of the app, found none.',
}

/** What names an app in addresses comes first: nobody takes its devices over by a key that reads the same. */
function readWord(catalogs: Catalogs, claim: AppClaim): AppClaim {
  const { word, ...others } = claim
  if (word === undefined) return claim
  if (catalogs.findApp(word)) return { ...others, name: word }
  if (catalogs.findByBundleId(word)) return { ...others, bundleId: word }
  const isKey = others.key === undefined && catalogs.findKeyHolder(word) !== undefined
  return isKey ? { ...others, key: word } : { ...others, name: word }
}

function isOther({ id, slug }: DirectoryEntry, named: string | undefined): boolean {
  return named !== undefined && named !== id && named !== slug
}

/** What a binary is called names its app before the server's default does. */
function findNamed(catalogs: Catalogs, names: AppNames): DirectoryEntry | undefined {
  const { named, bundleId, defaultApp } = names
  if (named !== undefined) return catalogs.findApp(named)
  const called = bundleId === undefined ? undefined : catalogs.findByBundleId(bundleId)
  return called ?? (defaultApp === null ? undefined : catalogs.findApp(defaultApp))
}

interface AppNames {
  named: string | undefined
  bundleId: string | undefined
  defaultApp: string | null
}

/** An app that says what its binaries are called is no other binary's, whatever address that was given. */
function isCalled({ bundleIds }: DirectoryEntry, bundleId: string | undefined): boolean {
  return bundleId === undefined || bundleIds.size === 0 || bundleIds.has(bundleId)
}
