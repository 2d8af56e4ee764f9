import { isPlatform, problem } from '@hotpatch/protocol'
import type { PlainRequest, ServedAddress } from '../../ground/http/plain-request.ts'
import { offeredUrl } from '../../ground/http/public-url.ts'
import type { OfferedBinaryFile } from '../../shipping/content/binary/binary-kind.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { AskedRelease } from '../../updates/dialect.ts'
import { nodeArchitecture } from '../reading/architectures.ts'

/**
 * Electron §5: below the address of the channel files. The client finds the file of the version that it has by putting
 * its version in the place of the new one, wherever that stands in the address.
 */
export const FILES_PATH = '/files/:channel/:platform/:version/:architecture/:name'

const BLOCK_MAP = '.blockmap'

/** Relative to the channel file. */
export function relativeUrl(channel: string, version: string, { platform, architecture, name }: OfferedBinaryFile) {
  const words = ['files', channel, platform, version, nodeArchitecture(architecture), name]
  // Escaped, the client would not find the version in it.
  return words.map((word) => encodeURIComponent(word).replaceAll('%2B', '+')).join('/')
}

/** @throws problem platform-not-found */
export function readAskedFile({ params }: Pick<PlainRequest, 'params'>): AskedRelease {
  const { platform, channel = '', version = '' } = params
  if (!isPlatform(platform)) throw problem('platform-not-found', `There is no platform "${platform}".`)
  return { deviceId: undefined, platform, channel, name: { version } }
}

/** @throws problem release-not-found or artifact-not-found */
export function renderFile(
  release: OfferedRelease | undefined,
  { params }: Pick<PlainRequest, 'params'>,
): ServedAddress {
  const { version = '', name = '' } = params
  if (release?.content.kind !== 'binary') {
    throw problem('release-not-found', `There is no release ${version.slice(0, 50)} there.`)
  }
  const { files } = release.content
  const file = files.find((file) => file.name === name)
  if (file?.url === undefined && file) return { servedFrom: offeredUrl('', file.sha256, release.id) }
  const mapped = files.find((file) => `${file.name}${BLOCK_MAP}` === name)
  if (mapped?.blockMap) return { servedFrom: offeredUrl('', mapped.blockMap.sha256, release.id) }
  throw problem('artifact-not-found', `The release ${version.slice(0, 50)} has no such file here.`)
}
