import { DEFAULT_CHANNEL } from '@hotpatch/api'
import {
  CRASHED_IN_USE,
  DEVICE_ATTRIBUTE_NAMES,
  isCustomAttribute,
  MAX_CUSTOM_ATTRIBUTES,
  MAX_CUSTOM_LENGTH,
  readDictionary,
  readExpoTime,
  readExpoUpdateId,
  readList,
  StructuredFieldError,
  UnexpectedJsonError,
  type DeviceAttributes,
} from '@hotpatch/protocol'
import type { PlainRequest } from '../../ground/http/plain-request.ts'
import type { AskedCheck, ToldEvent } from '../../updates/dialect.ts'
import type { ReleaseName } from '../../updates/release-names.ts'
import type { RunningCode } from '../../updates/update-service.ts'
import { asProblem, readAttributes, text, toldText } from '../reading/read-fields.ts'

type Headers = Pick<PlainRequest, 'header'>

/** What the client tells at most: five. */
const MAX_FAILED = 20
const MAX_COHORTS = 20
const MAX_DETAIL = 2_000
const MAX_ID = 64

/** The name of a key that has none. */
const ROOT_KEY = 'root'

/** Expo §8: it never came up, and the client has gone back by itself. */
const FAILED_LAUNCH = 'launch-failed'

/**
 * Expo §2.
 * @throws problem invalid-request
 */
export function readUpdateCheck(request: Headers): AskedCheck {
  return asProblem(() => {
    const platform = readExpoPlatform(request)
    const channel = readChannel(request)
    const extra = readExtraParams(told(request, 'expo-extra-params', 8_192))
    const params = foldNames(extra)
    const current = readCurrent(request)
    const failed = readFailedIds(request).flatMap((id) => nameOf(id) ?? [])
    const runtimeVersion = text(
      { 'expo-runtime-version': request.header('expo-runtime-version') },
      'expo-runtime-version',
      255,
    )
    const nativeVersion = toldText({ value: params.get('nativeversion') }, 'value', 64)
    return {
      platform,
      channel,
      check: {
        deviceId: lowerCase(told(request, 'eas-client-id', 200)) ?? null,
        nativeVersion,
        runtimeVersion,
        current,
        failedReleaseIds: [],
        failed,
        cohorts: readCohorts(params),
        heldAt: readHeldAt(request),
        attributes: {
          ...attributesOf(params),
          ...customOf(extra),
          sdkVersion: String(protocolVersion(request)),
          answerKeyId: readAnswerKeyId(request),
          embeddedUpdateId: lowerCase(told(request, 'expo-embedded-update-id', MAX_ID)),
        },
      },
      events: eventsOf(request, { current, failed }),
    }
  })
}

/** Expo §1: a client that cannot take several parts is told as one of version 0 is, of which none can. */
export function protocolVersion(request: Headers): 0 | 1 {
  const version = request.header('expo-protocol-version')
  return version !== undefined && version !== '0' && takesParts(request) ? 1 : 0
}

function takesParts(request: Headers): boolean {
  const accept = request.header('accept')
  if (accept === undefined) return true
  const types = accept.split(',').map((type) => type.replace(/;.*$/s, '').trim().toLowerCase())
  return ['multipart/mixed', 'multipart/*', '*/*'].some((type) => types.includes(type))
}

export function readExpoPlatform(request: Headers): 'android' | 'ios' {
  const platform = request.header('expo-platform')
  if (platform === 'android' || platform === 'ios') return platform
  throw new UnexpectedJsonError('/expo-platform', '"android" or "ios" in this header', platform)
}

/** Expo §2: a header that apps are built with; no part of the protocol, but of every server's. */
export function readChannel(request: Headers): string {
  return told(request, 'expo-channel-name', 63) ?? told(request, 'expo-channel', 63) ?? DEFAULT_CHANNEL
}

function told(request: Headers, name: string, maxLength: number): string | undefined {
  return toldText({ [name]: request.header(name) }, name, maxLength)
}

/** iOS tells its ids in upper case, and the same ones elsewhere in lower case. */
function lowerCase(value: string | undefined): string | undefined {
  return value?.toLowerCase()
}

/** In lower case; undefined when nothing was launched. */
export function readCurrentId(request: Headers): string | undefined {
  return lowerCase(told(request, 'expo-current-update-id', MAX_ID))
}

/** Undefined of what no server of ours has named, such as what a binary shipped with. */
export function readCurrentName(request: Headers): ReleaseName | undefined {
  const current = readCurrentId(request)
  return current === undefined ? undefined : nameOf(current)
}

/** Expo §5. */
function readCurrent(request: Headers): RunningCode {
  const current = readCurrentId(request)
  const embedded = lowerCase(told(request, 'expo-embedded-update-id', MAX_ID))
  if (current === undefined || current === embedded) return { kind: 'embedded' }
  const name = nameOf(current)
  // Of another server, or of one before this: it is taken for something that nobody takes back.
  return name ? { kind: 'named', name } : { kind: 'release', id: current }
}

function nameOf(updateId: string): ReleaseName | undefined {
  const identity = readExpoUpdateId(updateId.toLowerCase())
  return identity && { digestStart: identity.digestStart, place: identity.place }
}

export function readRequestedName(request: Headers): ReleaseName | undefined {
  const requested = told(request, 'expo-requested-update-id', MAX_ID)
  return requested === undefined ? undefined : nameOf(requested)
}

/** What cannot be read, nobody told: a device is not to be left without updates because of it. */
function orNothing<Result>(read: () => Result, nothing: Result): Result {
  try {
    return read()
  } catch (error) {
    if (error instanceof StructuredFieldError) return nothing
    throw error
  }
}

/**
 * Expo §6: the client keeps it and sends it with each check from then on. What it went back to tells its own id, and not
 * the time that it got by going back.
 */
export const SENT_BACK_AT = 'hotpatch-sent-back-at'

export function readSentBackAt(request: Headers): number | undefined {
  return readExpoTime(request.header(SENT_BACK_AT) ?? '')
}

/**
 * Expo §6: the latest time of what the device has, as far as it tells. What failed once may have started before, and
 * then the client tries it again as long as nothing is later.
 */
function readHeldAt(request: Headers): number | undefined {
  const sentBack = readSentBackAt(request)
  const current = lowerCase(told(request, 'expo-current-update-id', MAX_ID)) ?? ''
  const times = [current, ...readFailedIds(request)].map((id) => readExpoUpdateId(id)?.at)
  return [sentBack, ...times].reduce(
    (latest, time) => (latest === undefined || (time ?? 0) > latest ? time : latest),
    undefined,
  )
}

/** Expo §11: what the client calls the key by which it verifies; empty when it verifies nothing. */
function readAnswerKeyId(request: Headers): string {
  const header = told(request, 'expo-expect-signature', 1_024)
  if (header === undefined) return ''
  // What cannot be read is a client all the same that takes nothing unsigned.
  const keyId = orNothing(() => readDictionary(header), new Map()).get('keyid')?.value
  return typeof keyId === 'string' && keyId !== '' ? keyId : ROOT_KEY
}

/** Newest first, in lower case. */
export function readFailedIds(request: Headers): readonly string[] {
  const header = told(request, 'expo-recent-failed-update-ids', 8_192)
  if (header === undefined) return []
  const ids = orNothing(() => readList(header), []).flatMap(({ value }) => (typeof value === 'string' ? [value] : []))
  return ids.slice(0, MAX_FAILED).map((id) => id.toLowerCase())
}

function readExtraParams(header: string | undefined): readonly (readonly [string, string])[] {
  if (header === undefined) return []
  const params = orNothing(() => readDictionary(header), new Map())
  return [...params].flatMap(([key, { value }]) => (typeof value === 'string' ? [[key, value] as const] : []))
}

/** Keys are in lower case, so `native-version` and `nativeversion` are `nativeVersion`. */
function foldNames(params: readonly (readonly [string, string])[]): ReadonlyMap<string, string> {
  return new Map(params.map(([key, value]) => [foldName(key), value]))
}

function foldName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

function attributesOf(params: ReadonlyMap<string, string>): DeviceAttributes | undefined {
  if (params.size === 0) return undefined
  return readAttributes(Object.fromEntries(DEVICE_ATTRIBUTE_NAMES.map((name) => [name, params.get(foldName(name))])))
}

const OWN_NAMES = new Set(['nativeversion', 'cohort', 'cohorts', ...DEVICE_ATTRIBUTE_NAMES.map(foldName)])

/** Expo §2: what has no meaning here is the app's own. */
function customOf(params: readonly (readonly [string, string])[]): DeviceAttributes {
  const custom = params.flatMap(([key, value]) => {
    const name = `custom.${key}` as const
    return isCustomAttribute(name) && !OWN_NAMES.has(foldName(key)) ? [[name, value] as const] : []
  })
  const told: DeviceAttributes = {}
  for (const [name, value] of custom.slice(0, MAX_CUSTOM_ATTRIBUTES)) {
    told[name] = toldText({ value }, 'value', MAX_CUSTOM_LENGTH)
  }
  return told
}

function readCohorts(params: ReadonlyMap<string, string>): readonly string[] {
  const told = params.get('cohorts') ?? params.get('cohort')
  if (told === undefined) return []
  const names = told.split(',').map((name) => name.trim())
  return names.filter((name) => name !== '' && name.length <= 200).slice(0, MAX_COHORTS)
}

/** Expo §8: what did not start is told with every check, and what an app died of with one. */
function eventsOf(
  request: Headers,
  { current, failed }: { current: RunningCode; failed: readonly ReleaseName[] },
): ToldEvent[] {
  const detail = told(request, 'expo-fatal-error', MAX_DETAIL)
  if (failed.length > 0) {
    // Newest first: that is what the app died of.
    return failed.map((name, index) => ({
      kind: 'crashed',
      subject: name,
      code: FAILED_LAUNCH,
      detail: index === 0 ? detail : undefined,
    }))
  }
  // It had started, and is started again.
  return detail !== undefined && current.kind === 'named'
    ? [{ kind: 'crashed', subject: current.name, code: CRASHED_IN_USE, detail }]
    : []
}
