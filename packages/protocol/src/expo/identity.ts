import { fnv1a32 } from '../buckets.ts'

/**
 * Expo §5: an update's id is a UUID of version 8 that says which content it has, and at which time it is one of Expo's
 * client: so a device that tells the id of what it runs, tells both.
 */
export interface ExpoIdentity {
  /** The first 15 digits of the hex SHA-256 of the release's `files.json`. */
  digestStart: string
  /** `createdAt`, in milliseconds since 1970. */
  at: number
  /** `expoPlaceOf` the rollout by which it came; 0 when it was signed in advance. */
  place: number
}

/** 60 bits. */
export const DIGEST_START_LENGTH = 15

const ID = /^([0-9a-f]{8})-([0-9a-f]{4})-8([0-9a-f]{3})-([89ab][0-9a-f]{3})-([0-9a-f]{12})$/
/** A time has 44 bits: 14 beside the variant, and 30 in front of those of the place. */
const LOW_BITS = 2 ** 30
const PLACE_BITS = 18
export const MAX_EXPO_TIME = 2 ** 44 - 1

/**
 * Expo §5.
 * @param sha256 of the release's `files.json`
 * @param at between 0 and 2^44 - 1, milliseconds since 1970
 * @param place the rollout by which it came; empty when that is not known, as when it is signed in advance
 */
export function expoUpdateId(sha256: string, at: number, place: string): string {
  const high = 0x8000 | Math.floor(at / LOW_BITS)
  const low = (at % LOW_BITS) * 2 ** PLACE_BITS + expoPlaceOf(place)
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')
  return `${sha256.slice(0, 8)}-${sha256.slice(8, 12)}-8${sha256.slice(12, DIGEST_START_LENGTH)}-${hex(high, 4)}-${hex(low, 12)}`
}

/** What an id has room for of the rollout by which the update came: 18 bits. */
export function expoPlaceOf(rolloutId: string): number {
  return rolloutId === '' ? 0 : fnv1a32(rolloutId) >>> (32 - PLACE_BITS)
}

/** Undefined for an id that is none of ours: of what the binary shipped with, or from another server. */
export function readExpoUpdateId(id: string): ExpoIdentity | undefined {
  const found = ID.exec(id)
  if (!found) return undefined
  const [, first = '', second = '', third = '', high = '', low = ''] = found
  const lowBits = parseInt(low, 16)
  const at = (parseInt(high, 16) & 0x3fff) * LOW_BITS + Math.floor(lowBits / 2 ** PLACE_BITS)
  return { digestStart: first + second + third, at, place: lowBits % 2 ** PLACE_BITS }
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** Expo §4: the one form that Android reads; of what it cannot read, it thinks that it was made just now. */
export function writeExpoTime(at: number): string {
  return new Date(at).toISOString()
}

/** Undefined when it is not exactly so. */
export function readExpoTime(text: string): number | undefined {
  if (!TIME.test(text)) return undefined
  const at = Date.parse(text)
  // 31 April is 1 May to a lenient reader.
  return Number.isNaN(at) || at < 0 || at > MAX_EXPO_TIME || new Date(at).toISOString() !== text ? undefined : at
}
