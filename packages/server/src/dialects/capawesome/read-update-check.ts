import { DEFAULT_CHANNEL } from '@hotpatch/api'
import { androidVersion, UnexpectedJsonError, type DeviceAttributes } from '@hotpatch/protocol'
import type { PlainRequest } from '../../ground/http/plain-request.ts'
import type { AskedCheck } from '../../updates/dialect.ts'
import {
  asProblem,
  fieldsOfQuery,
  optionalText,
  readAttributes,
  toldText,
  type Fields,
} from '../reading/read-fields.ts'

/**
 * Capawesome §2. `customId` is whoever uses the app, and is not read.
 * @throws problem invalid-request
 */
export function readUpdateCheck(request: Pick<PlainRequest, 'query' | 'header'>): AskedCheck {
  const { query } = request
  return asProblem(() => {
    const platform = readPluginPlatform(query)
    const bundleId = toldText(query, 'bundleId', 64)
    return {
      platform,
      channel: toldText(query, 'channelName', 63) ?? DEFAULT_CHANNEL,
      check: {
        deviceId: optionalText(query, 'deviceId', 200) ?? deviceIdOf(request) ?? null,
        nativeVersion: toldText(fieldsOfQuery({ version: query.appVersionName }), 'version', 64),
        runtimeVersion: undefined,
        current: bundleId === undefined ? { kind: 'embedded' } : { kind: 'release', id: bundleId },
        failedReleaseIds: [],
        cohorts: [],
        attributes: attributesOf(platform, query),
      },
    }
  })
}

/** With everything that it sends. */
export function deviceIdOf(request: Pick<PlainRequest, 'header'>): string | undefined {
  const name = 'x-capawesome-device-id'
  return optionalText({ [name]: request.header(name) }, name, 200)
}

export function readPluginPlatform({ platform }: Fields): 'android' | 'ios' {
  if (platform === '0') return 'android'
  if (platform === '1') return 'ios'
  throw new UnexpectedJsonError('/platform', '0 for Android or 1 for iOS', platform)
}

function attributesOf(platform: 'android' | 'ios', query: Fields): DeviceAttributes | undefined {
  const osVersion = toldText(query, 'osVersion', 64)
  return readAttributes({
    osVersion: platform === 'android' && osVersion !== undefined ? androidVersion(osVersion) : osVersion,
    nativeBuild: query.appVersionCode,
    sdkVersion: query.pluginVersion,
  })
}
