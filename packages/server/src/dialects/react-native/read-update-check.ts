import { DEFAULT_CHANNEL } from '@hotpatch/api'
import {
  isPlatform,
  PLATFORMS,
  problem,
  readArray,
  readOptional,
  readString,
  UnexpectedJsonError,
  type DeviceEventKind,
  type Platform,
} from '@hotpatch/protocol'
import type { RunningCode, UpdateCheck } from '../../updates/update-service.ts'

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
}

/** React Native §4. */
export interface ReactNativeRegistration {
  deviceId: string
  platform: Platform
  channel: string
  version: string | undefined
  nativeVersion: string | undefined
}

type Fields = Readonly<Record<string, unknown>>

const MAX_FAILED_RELEASES = 50
const MAX_COHORTS = 50

/** The contract's words for what happened, with those that our own SDK adds. */
const STATUSES: Readonly<Record<string, DeviceEventKind>> = {
  downloaded: 'downloaded',
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
    const nativeVersion = optionalText(fields, 'nativeVersion', 64)
    return {
      platform: readPlatform(fields),
      channel: optionalText(fields, 'channel', 63) ?? DEFAULT_CHANNEL,
      check: {
        deviceId: text(fields, 'deviceId', 200),
        nativeVersion,
        runtimeVersion: optionalText(fields, 'runtimeVersion', 128),
        current: readRunning(fields, nativeVersion),
        failedReleaseIds: list(fields, 'failedReleaseIds', MAX_FAILED_RELEASES),
        cohorts: list(fields, 'cohorts', MAX_COHORTS),
      },
    }
  })
}

/** @throws problem invalid-request */
export function readReport(fields: Fields): ReactNativeReport {
  return asProblem(() => {
    const kind = readStatus(fields)
    const releaseId = optionalText(fields, 'releaseId', 64)
    const version = optionalText(fields, 'version', 64)
    const code = optionalText(fields, 'code', 100)
    // An answer that could not be read names no release.
    const isAboutNone = kind === 'failed' && code !== undefined
    if (releaseId === undefined && version === undefined && !isAboutNone) {
      throw new UnexpectedJsonError('/releaseId', 'the release by releaseId or version', undefined)
    }
    return {
      eventId: optionalText(fields, 'eventId', 64),
      deviceId: text(fields, 'deviceId', 200),
      platform: fields.platform === undefined ? undefined : readPlatform(fields),
      channel: optionalText(fields, 'channel', 63) ?? DEFAULT_CHANNEL,
      kind,
      releaseId,
      version,
      code,
      detail: optionalText(fields, 'detail', 10_000),
      nativeVersion: optionalText(fields, 'nativeVersion', 64),
      occurredAt: readOptional(fields.occurredAt, readTime),
    }
  })
}

/** @throws problem invalid-request */
export function readRegistration(fields: Fields): ReactNativeRegistration {
  return asProblem(() => ({
    deviceId: text(fields, 'deviceId', 200),
    platform: readPlatform(fields),
    channel: optionalText(fields, 'channel', 63) ?? DEFAULT_CHANNEL,
    version: optionalText(fields, 'version', 64),
    nativeVersion: optionalText(fields, 'nativeVersion', 64),
  }))
}

/** An original client says one version: its bundle's or its shell's. Ours says which release it runs, if any. */
function readRunning(fields: Fields, nativeVersion: string | undefined): RunningCode {
  const releaseId = optionalText(fields, 'releaseId', 64)
  if (releaseId !== undefined) return { kind: 'release', id: releaseId }
  const version = nativeVersion === undefined ? text(fields, 'version', 64) : optionalText(fields, 'version', 64)
  return version === undefined || version === nativeVersion ? { kind: 'embedded' } : { kind: 'version', version }
}

function readPlatform(fields: Fields): Platform {
  const { platform } = fields
  if (isPlatform(platform)) return platform
  throw new UnexpectedJsonError('/platform', `one of ${PLATFORMS.join(', ')}`, platform)
}

function readStatus({ status }: Fields): DeviceEventKind {
  const kind = typeof status === 'string' && Object.hasOwn(STATUSES, status) ? STATUSES[status] : undefined
  if (kind) return kind
  throw new UnexpectedJsonError('/status', `one of ${Object.keys(STATUSES).join(', ')}`, status)
}

function readTime(value: unknown): number {
  const time = typeof value === 'string' ? Date.parse(value) : value
  if (typeof time === 'number' && Number.isSafeInteger(time) && time > 0) return time
  throw new UnexpectedJsonError('/occurredAt', 'a time such as 2027-01-31T12:00:00Z', value)
}

function text(fields: Fields, name: string, maxLength: number): string {
  const value = readString(fields[name], `/${name}`, { expected: `1 to ${maxLength} characters of text` })
  if (value.length === 0 || value.length > maxLength || value.includes('\0')) {
    throw new UnexpectedJsonError(`/${name}`, `1 to ${maxLength} characters of text`, value)
  }
  return value
}

/** Clients send "" and null for what they do not know. */
function optionalText(fields: Fields, name: string, maxLength: number): string | undefined {
  const value = fields[name]
  return value === undefined || value === null || value === '' ? undefined : text(fields, name, maxLength)
}

/** A list in JSON, or separated by commas in a query. */
function list(fields: Fields, name: string, maxLength: number): string[] {
  const value = fields[name]
  if (value === undefined || value === null || value === '') return []
  const items = readArray(typeof value === 'string' ? value.split(',') : value, `/${name}`, maxLength)
  return items.map((item, index) => readString(item, `/${name}/${index}`))
}

function asProblem<Result>(read: () => Result): Result {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    const errors = [{ pointer: `#${cause.pointer}`, detail: cause.message }]
    throw problem('invalid-request', cause.message, { errors }, { cause })
  }
}
