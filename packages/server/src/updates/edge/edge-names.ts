import type { CatalogKey } from '../catalog-queries.ts'

/** Static edge §2: where each document lies, below the address of an edge. */
const FOLDER = 'edge/v1'

export const EDGE_CONTENT_TYPE = 'application/json; charset=utf-8'

/** Static edge §10: a pointer says itself how long it may be believed, so that an old one is better than none. */
export const EDGE_CACHE = {
  pointer: 'public, max-age=10, stale-while-revalidate=30, stale-if-error=86400',
  keys: 'public, max-age=60, stale-while-revalidate=60, stale-if-error=86400',
  catalog: 'public, max-age=31536000, immutable',
} as const

export function keysName(appId: string): string {
  return `${FOLDER}/${appId}/keys.json`
}

export function pointerName({ appId, platform, channel }: CatalogKey): string {
  return `${FOLDER}/${appId}/${platform}/${channel}/latest.json`
}

export function catalogName(appId: string, sha256: string): string {
  return `${FOLDER}/${appId}/catalogs/${sha256}.json`
}
