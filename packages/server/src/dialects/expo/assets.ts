import { problem } from '@hotpatch/protocol'
import type { PlainRequest, ServedAddress } from '../../ground/http/plain-request.ts'
import { artifactUrl, offeredUrl } from '../../ground/http/public-url.ts'
import type { OfferedPatch } from '../../shipping/patches/patch-queries.ts'
import { contentOf } from '../../updates/content-of.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { AskedRelease } from '../../updates/dialect.ts'
import type { OfferedFile } from '../../updates/held-file-queries.ts'
import { asProblem } from '../reading/read-fields.ts'
import {
  readChannel,
  readCurrentId,
  readCurrentName,
  readExpoPlatform,
  readRequestedName,
} from './read-update-check.ts'

/** Expo §10. */
export const ASSETS_PATH = '/expo/:app/assets/:sha256'

const SHA_256 = /^[0-9a-f]{64}$/

/** Expo §10.1: what decides whether a patch is sent, besides the address. */
const VARY = ['vary', 'accept-encoding, a-im, expo-current-update-id, expo-requested-update-id']
/** A patch may be there soon: for so long a cache sends the whole to who would take one. */
const UNTIL_PATCHED = ['cache-control', 'public, max-age=600']

/** Named as the request names the app, so that whoever may ask for one may ask for the other. */
export function assetsUrl({ publicUrl, params }: Pick<PlainRequest, 'publicUrl' | 'params'>): string {
  return `${publicUrl}/expo/${encodeURIComponent(params.app ?? '')}/assets`
}

/** Clients before SDK 55 do not say which update it is for: then the download counts for none. */
export function readAskedAsset(request: PlainRequest): AskedRelease {
  return asProblem(() => {
    const earlier = readCurrentName(request)
    return {
      deviceId: undefined,
      platform: readExpoPlatform(request),
      channel: readChannel(request),
      name: readRequestedName(request) ?? { digestStart: '' },
      ...(earlier && { earlier }),
    }
  })
}

/** @throws problem artifact-not-found */
export function renderAsset(
  release: OfferedRelease | undefined,
  request: Pick<PlainRequest, 'params' | 'header'>,
  current?: OfferedRelease,
): ServedAddress {
  const { sha256 = '' } = request.params
  if (!SHA_256.test(sha256)) throw problem('artifact-not-found', 'Expected a SHA-256 at the end of the address.')
  const file = release?.held.files?.find((each) => each.sha256 === sha256)
  if (!release || !file) return { servedFrom: artifactUrl('', sha256) }
  const whole = { servedFrom: offeredUrl('', sha256, release.id) }
  if (file.path !== release.held.exported?.bundle) return whole
  if (!takesPatch(request)) return { ...whole, headers: VARY }
  const patch = findPatch(release, file, current ? contentOf(current, 'files').sha256 : readCurrentId(request))
  return patch ? patched(patch, release, request) : { ...whole, headers: [...VARY, ...UNTIL_PATCHED] }
}

/** RFC 3229 §10.5.3. Who asks for a part, or whether the whole is still the same, is told of the whole. */
function takesPatch(request: Pick<PlainRequest, 'header'>): boolean {
  const manipulations = request.header('a-im')?.split(',') ?? []
  const isTaken = manipulations.some((each) => each.replace(/;.*$/s, '').trim().toLowerCase() === 'bsdiff')
  return isTaken && request.header('range') === undefined && request.header('if-none-match') === undefined
}

/** @param base the digest of the content that the client runs, or the id of what its binary shipped with */
function findPatch(
  { patches }: OfferedRelease,
  { sha256, sizeBytes, brotli }: OfferedFile,
  base: string | undefined,
): OfferedPatch | undefined {
  const wholeBytes = brotli?.sizeBytes ?? sizeBytes
  const made = base === undefined ? undefined : patches?.get(base)
  return made?.find((each) => each.format === 'bsdiff40' && each.to === sha256 && each.sizeBytes < wholeBytes)
}

/**
 * Expo §10.1. No shared cache may keep it: one that does not look at `vary` would give it to who asked for the whole,
 * and that client would ask the same cache again.
 */
function patched(
  { sha256, to }: OfferedPatch,
  { id }: OfferedRelease,
  request: Pick<PlainRequest, 'header'>,
): ServedAddress {
  const headers = [
    ...VARY,
    'im',
    'bsdiff',
    'expo-base-update-id',
    readCurrentId(request) ?? '',
    'cache-control',
    'private, no-store',
    'content-type',
    'application/octet-stream',
    // RFC 3229 §10.4.1: those of what comes of it.
    'etag',
    `"${to}"`,
    'repr-digest',
    `sha-256=:${Buffer.from(to, 'hex').toString('base64')}:`,
  ]
  // The client takes no refusal for a reason to ask for the whole.
  return { servedFrom: `${offeredUrl('', sha256, id)}&instead=${to}`, status: 226, headers }
}
