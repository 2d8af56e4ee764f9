import { DEFAULT_CHANNEL } from '@hotpatch/api'
import {
  isPlatform,
  parseNativeVersion,
  problem,
  UnexpectedJsonError,
  type DeviceAttributes,
  type Platform,
} from '@hotpatch/protocol'
import type { AskedCheck } from '../../updates/dialect.ts'
import { asProblem, list, optionalText, readAttributes, text, toldText, type Fields } from '../reading/read-fields.ts'

const MAX_COHORTS = 50
const MAX_FORMATS = 20
const MAX_VERSION = 64

/** App versions §2: what apps are installed on. */
const PLATFORMS = ['android', 'ios', 'macos', 'windows', 'linux'] as const satisfies Platform[]

/** App versions §2. @throws problem invalid-request or platform-not-found */
export function readUpdateCheck(fields: Fields): AskedCheck & { platform: Platform } {
  return asProblem(() => {
    const platform = readAppPlatform(fields)
    const version = readCurrentVersion(fields)
    return {
      platform,
      channel: readChannel(fields),
      check: {
        deviceId: optionalText(fields, 'device_id', 200) ?? null,
        nativeVersion: version,
        runtimeVersion: undefined,
        current: { kind: 'version', version },
        failedReleaseIds: [],
        cohorts: list(fields, 'cohorts', MAX_COHORTS),
        attributes: readTold(fields),
      },
    }
  })
}

/** App versions §4. @throws problem invalid-request or platform-not-found */
export function readLatest(fields: Fields): { platform: Platform; channel: string; attributes: DeviceAttributes } {
  return asProblem(() => ({
    platform: readAppPlatform(fields),
    channel: readChannel(fields),
    attributes: readTold(fields) ?? {},
  }))
}

/** App versions §6: fewer numbers, four, and pre-releases are read as well. */
export function readCurrentVersion(fields: Fields): string {
  const version = text(fields, 'current_version', MAX_VERSION)
  if (parseNativeVersion(version)) return version
  throw new UnexpectedJsonError('/current_version', 'MAJOR.MINOR.PATCH+BUILD, such as 1.0.0+1', version)
}

function readChannel(fields: Fields): string {
  return toldText(fields, 'channel', 63) ?? DEFAULT_CHANNEL
}

/** Of a word that is no platform the client is told which there are; what the app has of them, the catalogs know. */
function readAppPlatform(fields: Fields): Platform {
  const platform = text(fields, 'platform', 63)
  const known = PLATFORMS.find((each) => each === platform)
  if (known) return known
  const found = isPlatform(platform) ? `"${platform}", on which nothing is installed` : JSON.stringify(platform)
  throw problem('platform-not-found', `Expected one of ${PLATFORMS.join(', ')}, found ${found}.`)
}

/** In the words of the contract. */
function readTold(fields: Fields): DeviceAttributes | undefined {
  const formats = list(fields, 'formats', MAX_FORMATS)
  return readAttributes({
    architecture: fields.architecture,
    installerFormats: formats.length > 0 ? formats.join(',') : undefined,
    osVersion: fields.os_version,
    model: fields.model,
    locale: fields.locale,
    sdkVersion: fields.sdk_version,
    isEmulator: fields.is_emulator,
    isProduction: fields.is_production,
    installSource: fields.install_source,
  })
}
