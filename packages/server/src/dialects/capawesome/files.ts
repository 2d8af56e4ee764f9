import { isPlatform, problem } from '@hotpatch/protocol'
import { jsonAnswer, type PlainAnswer, type PlainRequest, type ServedAddress } from '../../ground/http/plain-request.ts'
import { offeredUrl } from '../../ground/http/public-url.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { AskedRelease } from '../../updates/dialect.ts'
import { asProblem, text } from '../reading/read-fields.ts'
import { findFile, hasOwnManifest, MANIFEST, writeManifest } from './manifest.ts'
import { readPluginPlatform } from './read-update-check.ts'
import { signatureOf } from './signatures.ts'

/** Capawesome §4. All is in the path, as the plugin has a query of its own. */
export const FILES_PATH = '/v1/apps/:app/channels/:channel/:platform/bundles/:bundle'

const MAX_HREF = 2_000

/** The plugin adds `?href=` with the path of a file, or the name of the manifest. */
export function filesUrl(bundleId: string, channel: string, { publicUrl, params, query }: PlainRequest): string {
  const words = ['apps', params.app ?? '', 'channels', channel, readPluginPlatform(query), 'bundles', bundleId]
  return `${publicUrl}/v1/${words.map(encodeURIComponent).join('/')}`
}

/** @throws problem platform-not-found */
export function readAskedBundle({ params }: Pick<PlainRequest, 'params'>): AskedRelease {
  const { platform, channel = '', bundle = '' } = params
  if (!isPlatform(platform)) throw problem('platform-not-found', `There is no platform "${platform}".`)
  return { deviceId: undefined, platform, channel, name: { id: bundle } }
}

/**
 * Looked up in the list of the release, and nowhere else: what a device asks for is never a place on a disk.
 * @throws problem release-not-found, artifact-not-found or invalid-request
 */
export function renderFile(
  release: OfferedRelease | undefined,
  { query }: Pick<PlainRequest, 'query'>,
): PlainAnswer | ServedAddress {
  const href = asProblem(() => text(query, 'href', MAX_HREF))
  const files = release?.held.files
  if (!files) throw problem('release-not-found', 'There is no such bundle here to be taken file by file.')
  if (href === MANIFEST && !hasOwnManifest(release)) {
    const { body, checksum } = writeManifest(files)
    const answer = jsonAnswer(body)
    return { ...answer, headers: [...answer.headers, 'x-checksum', checksum] }
  }
  const file = findFile(files, href)
  if (!file) throw problem('artifact-not-found', 'The bundle has no such file.')
  const { sha256 } = file
  const signature = signatureOf(release, sha256)
  const signed = signature === undefined ? [] : ['x-signature', signature]
  return { servedFrom: offeredUrl('', sha256, release.id), headers: ['x-checksum', sha256, ...signed] }
}
