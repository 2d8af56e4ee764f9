import { parseNativeVersion, readObject, readString, UnexpectedJsonError } from '@hotpatch/protocol'

/** Web bundle §2, as an app reads it. What it does not know is left out. */
export interface BundleManifest {
  version: string
  url: string
  /** Lower-case hex SHA-256 of the zip. */
  checksum: string
  minNativeVersion: string
  /** Web bundle §6: base64 of an Ed25519 signature over the 32 bytes of the checksum. */
  signature: string | null
}

const VERSION = { pattern: /^[^\s\p{Cc}]{1,100}$/u, expected: 'a version of at most 100 characters' }
const CHECKSUM = { pattern: /^[0-9a-f]{64}$/, expected: '64 lower-case hex digits' }
const URL_TEXT = { pattern: /^[^\s\p{Cc}]{1,2048}$/u, expected: 'an address of at most 2048 characters' }
const SIGNATURE = { pattern: /^[A-Za-z0-9+/]{86}==$/, expected: 'base64 of 64 bytes' }

/** @throws UnexpectedJsonError with the place of the first thing that is not as it must be */
export function readManifest(value: unknown): BundleManifest {
  const json = readObject(value, '')
  const minNativeVersion = readString(json.minNativeVersion, '/minNativeVersion')
  if (!parseNativeVersion(minNativeVersion)) {
    throw new UnexpectedJsonError('/minNativeVersion', 'a native version', minNativeVersion)
  }
  const { signature } = json
  return {
    version: readString(json.version, '/version', VERSION),
    url: readString(json.url, '/url', URL_TEXT),
    checksum: readString(json.checksum, '/checksum', CHECKSUM),
    minNativeVersion,
    signature: signature === undefined || signature === null ? null : readString(signature, '/signature', SIGNATURE),
  }
}
