import {
  AppSlug,
  BundleId,
  ChannelName,
  PublicKey,
  NewReleaseVersion,
  ReleaseVersion,
  ROLES,
  type Role,
} from '@hotpatch/api'
import { isPlatform, parseNativeRange, parseNativeVersion, PLATFORMS, type Platform } from '@hotpatch/protocol'
import { InvalidArgumentError } from 'commander'

/** Each reads one argument of the command line, or says what it should have been. */

const PERCENTAGE = /^(\d{1,3}(?:\.\d{1,2})?)(?: ?%)?$/
const MS = { h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

export function readVersion(text: string): string {
  // The word is what a roll-back to the binary's own bundle is called everywhere.
  if (text === 'embedded') throw new InvalidArgumentError('"embedded" is not a version that can be published.')
  if (fits(ReleaseVersion, text)) return text
  throw new InvalidArgumentError('Expected at most 50 letters, digits, ".", "+", "_" or "-", such as 1.2.0.')
}

/** Of a roll-back: a version, or what the app binary shipped with. */
export function readRollbackTarget(text: string): string {
  return text === 'embedded' ? text : readVersion(text)
}

/** Of what is published from now on: it has to look like one. */
export function readNewVersion(text: string): string {
  if (fits(NewReleaseVersion, text)) return text
  throw new InvalidArgumentError(
    'Expected a version such as 1.2.0: a digit, or "v" and a digit, then letters, digits, ".", "+", "_" or "-"; at most 50.',
  )
}

export function readPlatform(text: string): Platform {
  if (isPlatform(text)) return text
  throw new InvalidArgumentError(`Expected one of ${PLATFORMS.join(', ')}.`)
}

/** Comma-separated, and more than once. */
export function readPlatforms(text: string, before: readonly Platform[] = []): Platform[] {
  const platforms = text.split(',').map((part) => readPlatform(part.trim()))
  return [...new Set([...before, ...platforms])]
}

export function isChannel(text: string): boolean {
  return fits(ChannelName, text)
}

export function readChannel(text: string): string {
  if (isChannel(text)) return text
  throw new InvalidArgumentError('Expected at most 63 lower-case letters, digits, ".", "_" or "-", such as production.')
}

/** A file at the root of what is published. */
export function readEntry(text: string): string {
  if (text !== '.' && text !== '..' && /^[^/\\]{1,255}$/.test(text)) return text
  throw new InvalidArgumentError('Expected the name of a file at the root, without folders, such as app.html.')
}

/** 0 to 100 in steps of 0.01, which is how finely devices are told apart. */
export function readPercentage(text: string): number {
  const percentage = Number(PERCENTAGE.exec(text)?.[1] ?? Number.NaN)
  if (percentage <= 100) return percentage
  throw new InvalidArgumentError('Expected a percentage from 0 to 100 in steps of 0.01, such as 10, 5% or 0.5.')
}

export function readBoolean(text: string): boolean {
  if (text === 'true') return true
  if (text === 'false') return false
  throw new InvalidArgumentError('Expected true or false.')
}

export function readNativeVersion(text: string): string {
  if (parseNativeVersion(text)) return text
  throw new InvalidArgumentError('Expected the version of an app binary, such as 2.1 or 2.1.0+45.')
}

export function readNativeRange(text: string): string {
  if (parseNativeRange(text)) return text
  throw new InvalidArgumentError('Expected a range of native versions, such as ">=2.1 <4".')
}

export function readSequence(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a whole number of at least 0.')
}

export function readLimit(text: string): number {
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= 200) return limit
  throw new InvalidArgumentError('Expected a whole number from 1 to 200.')
}

/** In days. */
export function readRetention(text: string): number {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (days >= 1 && days <= 3650) return days
  throw new InvalidArgumentError('Expected a number of days from 1 to 3650.')
}

/** Null: for good. */
export function readRetentionOrNever(text: string): number | null {
  return text === 'never' ? null : readRetention(text)
}

export function readRole(text: string): Role {
  const role = ROLES.find((name) => name === text)
  if (role) return role
  throw new InvalidArgumentError(`Expected one of ${ROLES.join(', ')}.`)
}

/** A moment: a date, or a date and time with its zone. */
export function readTimestamp(text: string): string {
  const isWhole = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?$/.test(text)
  const time = isWhole ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return new Date(time).toISOString()
  throw new InvalidArgumentError('Expected a date such as 2030-01-31, or a time such as 2030-01-31T12:00:00Z.')
}

/** A moment to come: as `readTimestamp`, or how long from now, such as 30d, 12h or 1w2d. */
export function readMomentToCome(text: string, now: Date): string {
  if (!/^(?:\d{1,4}[hdw])+$/.test(text)) return readTimestamp(text)
  const parts = [...text.matchAll(/(\d+)([hdw])/g)]
  const time = parts.reduce((sum, [, count, unit]) => sum + Number(count) * MS[unit as 'h'], now.getTime())
  return new Date(time).toISOString()
}

/** Raw 32 bytes in base64, as `keys public` prints them. */
export function readPublicKey(text: string): string {
  if (fits(PublicKey, text)) return text
  throw new InvalidArgumentError('Expected the 32 bytes of an Ed25519 public key in base64: see keys public.')
}

export function isSlug(text: string): boolean {
  return fits(AppSlug, text)
}

/** Separated by commas; none when empty. */
export function readBundleIds(text: string): string[] {
  const ids = text.split(',').map((id) => id.trim())
  const given = ids.filter((id) => id !== '')
  const wrong = given.find((id) => !fits(BundleId, id))
  if (wrong === undefined) return [...new Set(given)]
  throw new InvalidArgumentError(`Expected what a binary is called, such as com.example.app, found "${wrong}".`)
}

/** By the API's own rule, so that there is one. */
function fits(schema: object, text: string): boolean {
  return new RegExp((schema as { pattern: string }).pattern).test(text)
}

/** Separated by commas. */
export function readArchitectures(text: string): string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.every((name) => /^[\w.-]{1,64}$/.test(name))) return names
  throw new InvalidArgumentError(`Expected processor architectures such as arm64,x64, found "${text}".`)
}
