import { DEFAULT_CHANNEL } from '@hotpatch/api'
import { isPlatform, problem, UnexpectedJsonError, type DeviceAttributes, type Platform } from '@hotpatch/protocol'
import { readAttributes, text, toldText, type Fields } from '../reading/read-fields.ts'
import { keyIdOf } from './encrypted.ts'

/** Capgo §2: what the plugin tells of itself with everything that it sends. */
export interface CapgoDevice {
  deviceId: string
  platform: Platform
  channel: string
  nativeVersion: string | undefined
  attributes: DeviceAttributes | undefined
}

/** What it calls what the binary shipped with; newer ones say the binary's version instead. */
const BUILT_IN = 'builtin'

/** `custom_id` is whoever uses the app, and is not read. */
export function readDevice(fields: Fields): CapgoDevice {
  // Asked before it becomes an attribute, so that a refusal names the plugin's own field.
  const keyId = keyIdOf(fields)
  return {
    deviceId: text(fields, 'device_id', 200),
    platform: readPluginPlatform(fields),
    channel: toldText(fields, 'defaultChannel', 63) ?? DEFAULT_CHANNEL,
    nativeVersion: toldText(fields, 'version_build', 64),
    attributes: readAttributes({
      osVersion: fields.version_os,
      nativeBuild: fields.version_code,
      sdkVersion: fields.plugin_version,
      decryptionKeyId: keyId,
      isEmulator: fields.is_emulator,
      isProduction: fields.is_prod,
      installSource: fields.install_source,
    }),
  }
}

/** The version of what it names, if that came over the air. */
export function downloadedVersion(fields: Fields, named: string | undefined): string | undefined {
  if (named === undefined || named === BUILT_IN) return undefined
  return named === toldText(fields, 'version_build', 64) ? undefined : named
}

/** @throws problem platform-not-found for one that the plugin runs on, and no app of ours */
function readPluginPlatform({ platform }: Fields): Platform {
  if (isPlatform(platform) && platform !== 'any') return platform
  if (platform === 'electron') {
    throw problem('platform-not-found', 'There are no apps for electron here.', { platform })
  }
  throw new UnexpectedJsonError('/platform', 'android or ios', platform)
}
