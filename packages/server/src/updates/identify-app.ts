import { problem } from '@hotpatch/protocol'
import type { FastifyRequest } from 'fastify'
import type { DirectoryEntry } from './catalog-queries.ts'
import type { Catalogs } from './catalogs.ts'

/**
 * Whose device this is. The key decides; an app that was switched to open may be named without one.
 * @param appId id or slug, as the request names it besides its address
 * @throws problem app-key-required or app-key-invalid
 */
export function identifyApp(catalogs: Catalogs, request: FastifyRequest, appId: string | undefined): DirectoryEntry {
  const key = request.headers['x-app-key']
  const { slug } = request.params as { slug?: string }
  const named = slug ?? appId
  if (typeof key === 'string' && key !== '') {
    const app = catalogs.findAppByKey(key)
    if (!app) throw problem('app-key-invalid', 'No app has the key in the header x-app-key.')
    const isOther = (name: string | undefined) => name !== undefined && name !== app.id && name !== app.slug
    if (isOther(slug) || isOther(appId)) throw problem('app-key-invalid', 'The key in x-app-key is of another app.')
    return app
  }
  const app = named === undefined ? undefined : catalogs.findApp(named)
  if (app?.isOpen) return app
  throw problem('app-key-required', 'Expected the header x-app-key with the key of the app, found none.')
}
