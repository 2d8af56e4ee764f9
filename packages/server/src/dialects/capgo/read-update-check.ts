import type { AskedChannels, AskedCheck } from '../../updates/dialect.ts'
import { asProblem, text, toldText, type Fields } from '../reading/read-fields.ts'
import { downloadedVersion, readDevice } from './read-device.ts'

/**
 * Capgo §2.
 * @throws problem invalid-request, or platform-not-found
 */
export function readUpdateCheck(fields: Fields): AskedCheck {
  return asProblem(() => {
    const { platform, channel, deviceId, nativeVersion, attributes } = readDevice(fields)
    const version = downloadedVersion(fields, toldText(fields, 'version_name', 64))
    return {
      platform,
      channel,
      check: {
        deviceId,
        nativeVersion,
        runtimeVersion: undefined,
        current: version === undefined ? { kind: 'embedded' } : { kind: 'named', name: { version } },
        failedReleaseIds: [],
        cohorts: [],
        // Without a key it tells of none, and may have had one before. Some of its statistics leave it out all the same.
        attributes: { decryptionKeyId: '', ...attributes },
      },
    }
  })
}

/**
 * Capgo §5.
 * @param from which field says the channel; undefined for the one that the device is on
 * @throws problem invalid-request, or platform-not-found
 */
export function readChannelWish(fields: Fields, from?: 'channel'): AskedChannels {
  return asProblem(() => {
    const { deviceId, platform, channel } = readDevice(fields)
    return { deviceId, platform, channel: from === undefined ? channel : text(fields, from, 63) }
  })
}
