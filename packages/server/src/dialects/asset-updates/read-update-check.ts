import { DEFAULT_CHANNEL } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { PlainRequest } from '../../ground/http/plain-request.ts'
import type { AskedCheck, AskedRelease } from '../../updates/dialect.ts'
import type { RunningCode } from '../../updates/update-service.ts'
import {
  asProblem,
  list,
  optionalPlatform,
  optionalText,
  readAttributes,
  readPlatform,
  readTrust,
  toldText,
  type Fields,
} from '../reading/read-fields.ts'

const MAX_FAILED_UPDATES = 50
const MAX_COHORTS = 50
const MAX_VERSION = 64

/** Asset updates §2. @throws problem invalid-request */
export function readProjectId(fields: Fields): string | undefined {
  return asProblem(() => optionalText(fields, 'projectId', 64))
}

/** Asset updates §2. @throws problem invalid-request */
export function readUpdateCheck(fields: Fields): AskedCheck {
  return asProblem(() => {
    const nativeVersion = toldText(fields, 'nativeVersion', MAX_VERSION)
    return {
      platform: readPlatform(fields),
      channel: toldText(fields, 'channel', 63) ?? DEFAULT_CHANNEL,
      check: {
        deviceId: optionalText(fields, 'deviceId', 200) ?? null,
        nativeVersion,
        runtimeVersion: toldText(fields, 'runtimeVersion', 128),
        current: readRunning(fields),
        failedReleaseIds: list(fields, 'failedUpdateIds', MAX_FAILED_UPDATES),
        cohorts: list(fields, 'cohorts', MAX_COHORTS),
        attributes: readAttributes(fields),
        trust: readTrust({ ...fields, heldReleaseId: fields.heldUpdateId }),
      },
    }
  })
}

/** Without an id, a version that the channel never had is that of the binary. */
function readRunning(fields: Fields): RunningCode {
  const id = toldText(fields, 'currentUpdateId', 64)
  if (id !== undefined) return { kind: 'release', id }
  const version = toldText(fields, 'currentVersion', MAX_VERSION)
  return version === undefined ? { kind: 'embedded' } : { kind: 'version', version }
}

/** Asset updates §4: a manifest is found by its id alone; where a platform or channel is told, it has to be there. */
export function readAskedManifest({ params, query }: PlainRequest): AskedRelease {
  return asProblem(() => {
    const from = toldText(query, 'from', 64)
    const channel = toldText(query, 'channel', 63)
    const platform: Platform | undefined = optionalPlatform(query) ?? (channel === undefined ? undefined : 'any')
    return {
      deviceId: undefined,
      platform,
      channel: channel ?? DEFAULT_CHANNEL,
      name: { id: params.id ?? '' },
      ...(from !== undefined && { earlier: { id: from } }),
    }
  })
}
