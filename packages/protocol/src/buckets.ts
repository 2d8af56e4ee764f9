import { codePushBucketOf } from './code-push/bucket.ts'
import { numericCohortOf, placeOfCohort, readNumericCohort } from './hot-updater/cohorts.ts'

/**
 * Decision §4: in which share of the fleet a device falls.
 * Servers compute it, devices by an edge do so themselves, and anyone can reproduce it: see vectors/buckets.json.
 */

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** 10,000 buckets give steps of 0.01 %. 100 is the React Native contract's original rule, 1,000 hot-updater's. */
export type BucketCount = 100 | 1_000 | 10_000

/** Into which buckets devices are drawn: so many, or CodePush's own 100. */
export type BucketRule = BucketCount | 'code-push'

/** Unsigned 32-bit FNV-1a over the UTF-8 bytes of `text`; a lone surrogate counts as U+FFFD. */
export function fnv1a32(text: string): number {
  let hash = FNV_OFFSET
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) {
      hash = Math.imul(hash ^ unit, FNV_PRIME)
      continue
    }
    // Anything but ASCII is rare: UTF-8 by hand, as TextEncoder is not part of the language.
    const isPair = unit >= 0xd800 && unit <= 0xdbff && isLowSurrogate(text.charCodeAt(index + 1))
    const isLone = !isPair && unit >= 0xd800 && unit <= 0xdfff
    const point = isPair ? (text.codePointAt(index) ?? 0xfffd) : isLone ? 0xfffd : unit
    if (isPair) index += 1
    for (const byte of utf8Of(point)) hash = Math.imul(hash ^ byte, FNV_PRIME)
  }
  return hash >>> 0
}

/** The bytes of a code point that is not ASCII. */
function utf8Of(point: number): number[] {
  const tail = (shift: number) => 0x80 | ((point >> shift) & 0x3f)
  if (point < 0x800) return [0xc0 | (point >> 6), tail(0)]
  if (point < 0x10000) return [0xe0 | (point >> 12), tail(6), tail(0)]
  return [0xf0 | (point >> 18), tail(12), tail(6), tail(0)]
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

/**
 * The device's bucket, 0 … `buckets` − 1.
 * @param salt of CodePush's rule the label
 * @param deviceId or, of a device that tells one, its rollout cohort
 */
export function bucketOf(salt: string, deviceId: string, buckets: BucketRule): number {
  if (buckets === 'code-push') return codePushBucketOf(salt, deviceId)
  if (buckets === 1_000) return placeOfCohort(salt, readNumericCohort(deviceId) ?? numericCohortOf(deviceId))
  return fnv1a32(salt + deviceId) % buckets
}

/**
 * Decision §12: the device's place in a division of the fleet into slices, 0 … 9,999. Unlike that of `bucketOf` the hash
 * is mixed once more: FNV-1a of two salts can differ by the same amount for every device, and then all of a percentage
 * would fall into one slice.
 */
export function sliceBucketOf(salt: string, deviceId: string): number {
  return mix32(fnv1a32(salt + deviceId)) % 10_000
}

/** MurmurHash3's last step: each bit of the input turns about half of the output's. */
function mix32(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/**
 * Decision §4: whether the device is in the first `percentage` (0 … 100) of the fleet. NaN is nobody.
 * A larger percentage with the same salt always contains a smaller one.
 */
export function isInPercentage(percentage: number, salt: string, deviceId: string, buckets: BucketRule): boolean {
  if (percentage >= 100) return true
  if (percentage <= 0) return false
  // The originals of 100 compare the bucket with the percentage as it stands.
  const count = bucketCountOf(buckets)
  const threshold = count === 100 ? percentage : Math.round(percentage * (count / 100))
  return bucketOf(salt, deviceId, buckets) < threshold
}

export function bucketCountOf(buckets: BucketRule): BucketCount {
  return buckets === 'code-push' ? 100 : buckets
}
