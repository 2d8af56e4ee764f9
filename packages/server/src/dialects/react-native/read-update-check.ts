import { DEFAULT_CHANNEL } from '@hotpatch/api'
import { UnexpectedJsonError, type DeviceEventKind, type DeviceTrust, type Platform } from '@hotpatch/protocol'
import { isFormatOf } from '../../shipping/patches/patch-kinds.ts'
import type { RunningCode, UpdateCheck } from '../../updates/update-service.ts'
import {
  asProblem,
  list,
  optionalText,
  optionalTime,
  readAttributes,
  optionalPlatform,
  readPlatform,
  readTrust,
  text,
  toldText,
  type Fields,
} from '../reading/read-fields.ts'

/** React Native §1: the contract's fields, and those that our own SDK adds. */
export interface ReactNativeCheck {
  platform: Platform
  channel: string
  check: UpdateCheck
}

/** React Native §3. */
export interface ReactNativeReport {
  eventId: string | undefined
  deviceId: string
  platform: Platform | undefined
  channel: string
  kind: DeviceEventKind
  releaseId: string | undefined
  version: string | undefined
  code: string | undefined
  detail: string | undefined
  nativeVersion: string | undefined
  occurredAt: number | undefined
  sentAt: number | undefined
}

/** React Native §4. */
export interface ReactNativeRegistration {
  deviceId: string
  platform: Platform
  channel: string
  version: string | undefined
  nativeVersion: string | undefined
  trust: DeviceTrust | undefined
  /** Whether it wants to be able to show later that it is itself; undefined: no. */
  wantsCredential?: boolean
}

const MAX_FAILED_RELEASES = 50
const MAX_COHORTS = 50
const MAX_PATCH_FORMATS = 10

/** The contract's words for what happened, with those that our own SDK adds. */
const STATUSES: Readonly<Record<string, DeviceEventKind>> = {
  download_started: 'download-started',
  downloaded: 'downloaded',
  download_failed: 'download-failed',
  applied: 'applied',
  confirmed: 'confirmed',
  failed: 'failed',
  rolled_back: 'rolled-back',
  crashed: 'crashed',
}

/**
 * React Native §5: read before anything else, as nobody is told what is wrong with a request that may not ask.
 * @throws problem invalid-request
 */
export function readAppId(fields: Fields): string | undefined {
  return asProblem(() => optionalText(fields, 'appId', 64))
}

/**
 * @param fields of the query or of the JSON body: the contract has both, under the same names
 * @throws problem invalid-request
 */
export function readUpdateCheck(fields: Fields): ReactNativeCheck {
  return asProblem(() => {
    const nativeVersion = toldText(fields, 'nativeVersion', 64)
    return {
      platform: readPlatform(fields),
      channel: toldText(fields, 'channel', 63) ?? DEFAULT_CHANNEL,
      check: {
        deviceId: text(fields, 'deviceId', 200),
        nativeVersion,
        runtimeVersion: toldText(fields, 'runtimeVersion', 128),
        current: readRunning(fields, nativeVersion),
        failedReleaseIds: list(fields, 'failedReleaseIds', MAX_FAILED_RELEASES),
        cohorts: list(fields, 'cohorts', MAX_COHORTS),
        attributes: readAttributes(fields),
        trust: readTrust(fields),
        ...readPatchFormats(fields),
      },
    }
  })
}

/** @throws problem invalid-request */
export function readReport(fields: Fields): ReactNativeReport {
  return asProblem(() => {
    const kind = readStatus(fields)
    const releaseId = toldText(fields, 'releaseId', 64)
    const version = toldText(fields, 'version', 64)
    const code = toldText(fields, 'code', 100)
    // An answer that could not be read names no release.
    const isAboutNone = (kind === 'failed' || kind === 'download-failed') && code !== undefined
    if (releaseId === undefined && version === undefined && !isAboutNone) {
      throw new UnexpectedJsonError('/releaseId', 'the release by releaseId or version', undefined)
    }
    return {
      eventId: optionalText(fields, 'eventId', 64),
      deviceId: text(fields, 'deviceId', 200),
      platform: optionalPlatform(fields),
      channel: toldText(fields, 'channel', 63) ?? DEFAULT_CHANNEL,
      kind,
      releaseId,
      version,
      code,
      detail: toldText(fields, 'detail', 10_000),
      nativeVersion: toldText(fields, 'nativeVersion', 64),
      occurredAt: optionalTime(fields, 'occurredAt'),
      sentAt: optionalTime(fields, 'sentAt'),
    }
  })
}

/** @throws problem invalid-request */
export function readRegistration(fields: Fields): ReactNativeRegistration {
  return asProblem(() => ({
    deviceId: text(fields, 'deviceId', 200),
    platform: readPlatform(fields),
    channel: toldText(fields, 'channel', 63) ?? DEFAULT_CHANNEL,
    version: toldText(fields, 'version', 64),
    nativeVersion: toldText(fields, 'nativeVersion', 64),
    ...(fields.credential === true && { wantsCredential: true }),
    trust: readTrust(fields),
  }))
}

/** Of our own engine. Those of other clients have no place in its answers, whoever asks for them. */
function readPatchFormats(fields: Fields): Pick<UpdateCheck, 'patches'> {
  const patches = list(fields, 'patches', MAX_PATCH_FORMATS).filter((format) => isFormatOf('tree', format))
  return patches.length > 0 ? { patches } : {}
}

/** An original client says one version: its bundle's or its shell's. Ours says which release it runs, if any. */
function readRunning(fields: Fields, nativeVersion: string | undefined): RunningCode {
  const releaseId = toldText(fields, 'releaseId', 64)
  if (releaseId !== undefined) return { kind: 'release', id: releaseId }
  const version =
    toldText(fields, 'version', 64) ?? (nativeVersion === undefined ? text(fields, 'version', 64) : undefined)
  return version === undefined || version === nativeVersion ? { kind: 'embedded' } : { kind: 'version', version }
}

function readStatus({ status }: Fields): DeviceEventKind {
  const kind = typeof status === 'string' && Object.hasOwn(STATUSES, status) ? STATUSES[status] : undefined
  if (kind) return kind
  throw new UnexpectedJsonError('/status', `one of ${Object.keys(STATUSES).join(', ')}`, status)
}
