import {
  attributeKind,
  DEVICE_ATTRIBUTE_NAMES,
  isKeyId,
  isPlatform,
  MAX_TRUSTED_KEYS,
  PLATFORMS,
  problem,
  readArray,
  readString,
  UnexpectedJsonError,
  type DeviceAttribute,
  type DeviceAttributes,
  type DeviceTrust,
  type Platform,
} from '@hotpatch/protocol'

/** What devices send, as several dialects read it. Each reader throws an `UnexpectedJsonError` that names the field. */
export type Fields = Readonly<Record<string, unknown>>

/** @throws problem invalid-request */
export function fieldsOf(value: unknown): Fields {
  if (isObject(value)) return value
  throw problem('invalid-request', 'Expected a JSON object.')
}

/**
 * One object, or those of a list: whatever else is in it is for others to refuse.
 * @throws problem invalid-request when there is none
 */
export function objectsOf(value: unknown): readonly [Fields, ...Fields[]] {
  if (!Array.isArray(value)) return [fieldsOf(value)]
  const [first, ...others] = value.filter(isObject)
  if (first) return [first, ...others]
  throw problem('invalid-request', 'Expected a list with a JSON object in it.')
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** As what looks like a version does in a query that was not escaped: "1.2.3+4" arrives as "1.2.3 4". */
const UNESCAPED_BUILD = /^(v?\d+\.\d[\w.-]*) ([\w.-]+)$/
const VERSION_FIELDS = ['version', 'nativeVersion', 'runtimeVersion'] as const

/** @throws problem invalid-request */
export function fieldsOfQuery(value: unknown): Fields {
  const fields = fieldsOf(value)
  let mended: Record<string, unknown> | undefined
  for (const name of VERSION_FIELDS) {
    const version = fields[name]
    if (typeof version !== 'string' || !version.includes(' ')) continue
    mended ??= { ...fields }
    mended[name] = version.replace(UNESCAPED_BUILD, '$1+$2')
  }
  return mended ?? fields
}

export function readPlatform(fields: Fields): Platform {
  const { platform } = fields
  if (isPlatform(platform)) return platform
  throw new UnexpectedJsonError('/platform', `one of ${PLATFORMS.join(', ')}`, platform)
}

/** Clients send "" and null for what they do not know. */
export function optionalPlatform(fields: Fields): Platform | undefined {
  const { platform } = fields
  return platform === undefined || platform === null || platform === '' ? undefined : readPlatform(fields)
}

/** ISO 8601, or milliseconds since 1970; undefined when the client does not know. */
export function optionalTime(fields: Fields, name: string): number | undefined {
  const value = fields[name]
  if (value === undefined || value === null || value === '') return undefined
  const time = typeof value === 'string' ? Date.parse(value) : value
  if (typeof time === 'number' && Number.isSafeInteger(time) && time > 0) return time
  throw new UnexpectedJsonError(`/${name}`, 'a time such as 2027-01-31T12:00:00Z', value)
}

export function text(fields: Fields, name: string, maxLength: number): string {
  const value = readString(fields[name], `/${name}`, { expected: `1 to ${maxLength} characters of text` })
  if (value.length === 0 || value.length > maxLength || value.includes('\0')) {
    throw new UnexpectedJsonError(`/${name}`, `1 to ${maxLength} characters of text`, value)
  }
  return value
}

/**
 * What a device tells of itself: too long is cut and what no database keeps is mended, as nobody must be left without
 * updates for ever because of it. Of what it cannot be, such as a number, it says nothing sensible.
 */
export function toldText(fields: Fields, name: string, maxLength: number): string | undefined {
  const value = fields[name]
  if (typeof value !== 'string' || value === '') return optionalText(fields, name, maxLength)
  return value.slice(0, maxLength).toWellFormed().replaceAll('\0', '\uFFFD')
}

/** Clients send "" and null for what they do not know. */
export function optionalText(fields: Fields, name: string, maxLength: number): string | undefined {
  const value = fields[name]
  return value === undefined || value === null || value === '' ? undefined : text(fields, name, maxLength)
}

/** Some systems count their versions and builds. */
function optionalNumberOrText(fields: Fields, name: string, maxLength: number): string | undefined {
  const value = fields[name]
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : toldText(fields, name, maxLength)
}

/** More than a body of the size that devices may send can have. */
const MAX_LIST_ITEMS = 100_000
const MAX_ITEM_LENGTH = 200

/** A list in JSON, or separated by commas in a query: the last of it, when there is more. */
export function list(fields: Fields, name: string, maxLength: number): string[] {
  const value = fields[name]
  if (value === undefined || value === null || value === '') return []
  const items = readArray(typeof value === 'string' ? value.split(',') : value, `/${name}`, MAX_LIST_ITEMS)
  const texts = items.map((item, index) => readString(item, `/${name}/${index}`))
  // The last are the newest. Nothing of ours has a name that long.
  return texts.filter((text) => text.length <= MAX_ITEM_LENGTH).slice(-maxLength)
}

/** By the registry; undefined when the client told none of them. */
export function readAttributes(fields: Fields): DeviceAttributes | undefined {
  let told: DeviceAttributes | undefined
  for (const name of DEVICE_ATTRIBUTE_NAMES) {
    if (fields[name] === undefined) continue
    const value = readAttribute(fields, name)
    if (value !== undefined) (told ??= {})[name] = value
  }
  return told
}

function readAttribute(fields: Fields, name: DeviceAttribute): string | undefined {
  const { maxLength, mayBeNumber, mayBeBoolean } = attributeKind(name)
  if (mayBeNumber) return optionalNumberOrText(fields, name, maxLength)
  const value = fields[name]
  return mayBeBoolean && typeof value === 'boolean' ? String(value) : toldText(fields, name, maxLength)
}

const LAST_DATE = 8.64e15

/** Undefined when the client does not tell: only with a highest sequence are the others looked at. */
export function readTrust(fields: Fields): DeviceTrust | undefined {
  const highWater = optionalCount(fields, 'highestSequence')
  if (highWater === undefined) return undefined
  const builtAt = optionalCount(fields, 'embeddedBuiltAt')
  return {
    highWater,
    floor: optionalCount(fields, 'floor') ?? 0,
    keyIds: readKeyIds(fields),
    heldReleaseId: optionalText(fields, 'heldReleaseId', 64) ?? null,
    // Beyond it there are no dates, and no such device believes it.
    ...(builtAt !== undefined && builtAt <= LAST_DATE && { builtAt }),
  }
}

function readKeyIds(fields: Fields): string[] {
  const keyIds = list(fields, 'trustedKeys', MAX_TRUSTED_KEYS)
  const wrong = keyIds.findIndex((keyId) => !isKeyId(keyId))
  if (wrong === -1) return keyIds
  throw new UnexpectedJsonError(`/trustedKeys/${wrong}`, '16 lower-case hex digits', keyIds[wrong])
}

/** A whole number from 0 on; in a query it is text. */
export function optionalCount(fields: Fields, name: string): number | undefined {
  const value = fields[name]
  if (value === undefined || value === null || value === '') return undefined
  const count = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count
  throw new UnexpectedJsonError(`/${name}`, 'a whole number from 0 on', value)
}

/** @throws problem invalid-request for what `read` did not expect */
export function asProblem<Result>(read: () => Result): Result {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    const errors = [{ pointer: `#${cause.pointer}`, detail: cause.message }]
    throw problem('invalid-request', cause.message, { errors }, { cause })
  }
}
