import {
  isPlatform,
  PLATFORMS,
  problem,
  readArray,
  readString,
  UnexpectedJsonError,
  type DeviceAttributes,
  type Platform,
} from '@hotpatch/protocol'

/** What devices send, as several dialects read it. Each reader throws an `UnexpectedJsonError` that names the field. */
export type Fields = Readonly<Record<string, unknown>>

/** @throws problem invalid-request */
export function fieldsOf(value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw problem('invalid-request', 'Expected a JSON object.')
}

export function readPlatform(fields: Fields): Platform {
  const { platform } = fields
  if (isPlatform(platform)) return platform
  throw new UnexpectedJsonError('/platform', `one of ${PLATFORMS.join(', ')}`, platform)
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

/** Clients send "" and null for what they do not know. */
export function optionalText(fields: Fields, name: string, maxLength: number): string | undefined {
  const value = fields[name]
  return value === undefined || value === null || value === '' ? undefined : text(fields, name, maxLength)
}

/** Some systems count their versions and builds. */
export function optionalNumberOrText(fields: Fields, name: string, maxLength: number): string | undefined {
  const value = fields[name]
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : optionalText(fields, name, maxLength)
}

/** A list in JSON, or separated by commas in a query. */
export function list(fields: Fields, name: string, maxLength: number): string[] {
  const value = fields[name]
  if (value === undefined || value === null || value === '') return []
  const items = readArray(typeof value === 'string' ? value.split(',') : value, `/${name}`, maxLength)
  return items.map((item, index) => readString(item, `/${name}/${index}`))
}

/** Undefined when the client told none of them. */
export function readAttributes(fields: Fields): DeviceAttributes | undefined {
  const osVersion = optionalNumberOrText(fields, 'osVersion', 64)
  const model = optionalText(fields, 'model', 200)
  const locale = optionalText(fields, 'locale', 64)
  const nativeBuild = optionalNumberOrText(fields, 'nativeBuild', 64)
  const isTold = osVersion !== undefined || model !== undefined || locale !== undefined || nativeBuild !== undefined
  return isTold ? { osVersion, model, locale, nativeBuild } : undefined
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
