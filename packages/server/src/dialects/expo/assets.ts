import { problem } from '@hotpatch/protocol'
import type { PlainRequest, ServedAddress } from '../../ground/http/plain-request.ts'
import { artifactUrl, offeredUrl } from '../../ground/http/public-url.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { AskedRelease } from '../../updates/dialect.ts'
import { asProblem } from '../reading/read-fields.ts'
import { readChannel, readExpoPlatform, readRequestedName } from './read-update-check.ts'

/** Expo §10. */
export const ASSETS_PATH = '/expo/:app/assets/:sha256'

const SHA_256 = /^[0-9a-f]{64}$/

/** Named as the request names the app, so that whoever may ask for one may ask for the other. */
export function assetsUrl({ publicUrl, params }: Pick<PlainRequest, 'publicUrl' | 'params'>): string {
  return `${publicUrl}/expo/${encodeURIComponent(params.app ?? '')}/assets`
}

/** Clients before SDK 55 do not say which update it is for: then the download counts for none. */
export function readAskedAsset(request: PlainRequest): AskedRelease {
  return asProblem(() => ({
    deviceId: undefined,
    platform: readExpoPlatform(request),
    channel: readChannel(request),
    name: readRequestedName(request) ?? { digestStart: '' },
  }))
}

/** @throws problem artifact-not-found */
export function renderAsset(
  release: OfferedRelease | undefined,
  { params }: Pick<PlainRequest, 'params'>,
): ServedAddress {
  const { sha256 = '' } = params
  if (!SHA_256.test(sha256)) throw problem('artifact-not-found', 'Expected a SHA-256 at the end of the address.')
  const isOfRelease = release?.held.files?.some((file) => file.sha256 === sha256) ?? false
  return { servedFrom: release && isOfRelease ? offeredUrl('', sha256, release.id) : artifactUrl('', sha256) }
}
