import { readInteger, readObject, readChecksum, readString, UnexpectedJsonError } from '@hotpatch/protocol'
import { isAddress, lastWordOf } from '@hotpatch/device-ground'
import { AppUpdateError } from '../ground/app-update-error.ts'
import type { AppUpdaterOptions } from '../ground/settings.ts'
import { formatOf, PLATFORM_FORMATS, safeFileName } from './formats.ts'
import { isAppVersion, isBelowMinimum, isNewer } from './versions.ts'

/** What the server offers, read and judged. */
export interface AppUpdate {
  version: string
  versionCode: number | null
  url: string
  sizeBytes: number
  /** Lower-case hex. */
  sha256: string
  notes: string
  isMandatory: boolean
  minSupportedVersion: string | null
  /** Null when the server has none. */
  releaseId: string | null
  fileName: string
  format: string
}

export type CheckOutcome = { kind: 'update'; update: AppUpdate } | { kind: 'none'; reason: NoneReason; message: string }

/** `up-to-date`: the server says so. `not-newer`: it offers what no installer would take. */
export type NoneReason = 'up-to-date' | 'not-newer'

type Asking = Pick<AppUpdaterOptions, 'installedVersion' | 'platform' | 'formats'>

/** App versions §3, §6 and §7: pure. @throws AppUpdateError 'answer-invalid' */
export function readCheckAnswer(value: unknown, asking: Asking): CheckOutcome {
  try {
    const json = readObject(value, '')
    const message = optional(json, 'message') ?? ''
    if (!flag(json, 'update_available', undefined)) return { kind: 'none', reason: 'up-to-date', message }
    const update = readUpdate(json, asking)
    const { installedVersion } = asking
    if (!isNewer(update, { version: installedVersion })) {
      const found = `${update.version} is not newer than ${installedVersion}`
      return { kind: 'none', reason: 'not-newer', message: found }
    }
    return { kind: 'update', update }
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    throw new AppUpdateError('answer-invalid', cause.message, { cause })
  }
}

type Json = Readonly<Record<string, unknown>>

function readUpdate(json: Json, asking: Asking): AppUpdate {
  const version = required(json, 'latest_version', 'MAJOR.MINOR.PATCH+BUILD', isAppVersion)
  const url = required(json, 'download_url', 'an http or https address', isAddress)
  const checksum = required(json, 'checksum', 'a SHA-256', (text) => readChecksum(text) !== undefined)
  const minimum = optional(json, 'min_supported_version')
  if (minimum !== undefined && !isAppVersion(minimum)) {
    throw new UnexpectedJsonError('/min_supported_version', 'MAJOR.MINOR.PATCH+BUILD', minimum)
  }
  const announced = optional(json, 'file_name')
  const format = readFormat(json, announced ?? lastWordOf(url), asking)
  return {
    version,
    versionCode: absent(json.version_code) ? null : readInteger(json.version_code, '/version_code', 0),
    url,
    sizeBytes: readInteger(json.file_size, '/file_size', 1),
    sha256: readChecksum(checksum) ?? '',
    notes: optional(json, 'release_notes') ?? '',
    isMandatory: flag(json, 'is_mandatory', false) || isBelowMinimum(asking.installedVersion, minimum),
    minSupportedVersion: minimum ?? null,
    releaseId: optional(json, 'release_id') ?? null,
    fileName: safeFileName(announced, version, format),
    format,
  }
}

/** One that the installer here takes: the announced one, or that of the file's name, or the usual one. */
function readFormat(json: Json, fileName: string, { platform, formats }: Asking): string {
  const taken = formats ?? PLATFORM_FORMATS[platform]
  const announced = optional(json, 'format')
  const format = announced ?? formatOf(fileName) ?? taken[0] ?? ''
  if (taken.includes(format)) return format
  throw new UnexpectedJsonError('/format', `one of ${taken.join(', ')}`, format)
}

function absent(value: unknown): value is undefined | null | '' {
  return value === undefined || value === null || value === ''
}

function required(json: Json, name: string, expected: string, isSuch: (text: string) => boolean): string {
  const text = readString(json[name], `/${name}`, { expected })
  if (isSuch(text)) return text
  throw new UnexpectedJsonError(`/${name}`, expected, text)
}

function optional(json: Json, name: string): string | undefined {
  const value = json[name]
  return absent(value) ? undefined : readString(value, `/${name}`)
}

function flag(json: Json, name: string, otherwise: boolean | undefined): boolean {
  const value = absent(json[name]) ? otherwise : json[name]
  if (typeof value === 'boolean') return value
  throw new UnexpectedJsonError(`/${name}`, 'true or false', value)
}
