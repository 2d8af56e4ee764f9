import { getDefaultNumericCohort, getNumericCohortRolloutPosition, isNumericCohort } from '@hot-updater/core'
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bucketOf, fnv1a32, isInPercentage, sliceBucketOf, type BucketCount, type BucketRule } from './buckets.ts'

interface BucketVectors {
  hashes: { salt: string; deviceId: string; fnv1a32: number; bucketOf100: number; bucketOf10000: number }[]
  cohorts: { salt: string; deviceId: string; bucketOf1000: number }[]
  codePush: { salt: string; deviceId: string; bucket: number }[]
  loneSurrogates: { deviceIdUtf16: number[]; fnv1a32: number }[]
  slices: { salt: string; deviceId: string; fnv1a32: number; sliceBucket: number }[]
  percentages: { percentage: number; buckets: BucketCount; salt: string; deviceId: string; isIn: boolean }[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../vectors/buckets.json', import.meta.url), 'utf8'),
) as BucketVectors

describe('vectors', () => {
  test.each(vectors.hashes)('the hash and the buckets of "$salt" and "$deviceId"', (vector) => {
    const { salt, deviceId } = vector
    expect(fnv1a32(salt + deviceId)).toBe(vector.fnv1a32)
    expect(bucketOf(salt, deviceId, 100)).toBe(vector.bucketOf100)
    expect(bucketOf(salt, deviceId, 10_000)).toBe(vector.bucketOf10000)
  })

  test.each(vectors.cohorts)('the bucket of 1,000 of "$salt" and "$deviceId"', ({ salt, deviceId, bucketOf1000 }) => {
    expect(bucketOf(salt, deviceId, 1_000)).toBe(bucketOf1000)
  })

  test.each(vectors.codePush)("CodePush's bucket of $deviceId under $salt", ({ salt, deviceId, bucket }) => {
    expect(bucketOf(salt, deviceId, 'code-push')).toBe(bucket)
    const inside = [bucket, bucket + 1].map((percentage) => isInPercentage(percentage, salt, deviceId, 'code-push'))
    expect(inside).toEqual([false, true])
  })

  test.each(vectors.slices)('the slice bucket of "$salt" and "$deviceId"', (vector) => {
    expect(fnv1a32(vector.salt + vector.deviceId)).toBe(vector.fnv1a32)
    expect(sliceBucketOf(vector.salt, vector.deviceId)).toBe(vector.sliceBucket)
  })

  test.each(vectors.loneSurrogates)('lone surrogates: $deviceIdUtf16', (vector) => {
    expect(fnv1a32(String.fromCharCode(...vector.deviceIdUtf16))).toBe(vector.fnv1a32)
  })

  test.each(vectors.percentages)('$percentage % of $buckets for "$salt" and "$deviceId": $isIn', (vector) => {
    expect(isInPercentage(vector.percentage, vector.salt, vector.deviceId, vector.buckets)).toBe(vector.isIn)
  })
})

const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) })
const bucketCount = fc.constantFrom<BucketRule>(100, 1_000, 10_000, 'code-push')

test('the hash of any text is that of its UTF-8 bytes', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      let hash = 0x811c9dc5n
      for (const byte of new TextEncoder().encode(text)) hash = ((hash ^ BigInt(byte)) * 0x01000193n) % 2n ** 32n
      expect(fnv1a32(text)).toBe(Number(hash))
    }),
  )
})

test("buckets of 1,000 are the places that hot-updater's own code gives", () => {
  const salt = fc.oneof(fc.uuid({ version: 7 }), anyText)
  fc.assert(
    fc.property(salt, fc.integer({ min: 1, max: 1_000 }), anyText, (build, cohort, id) => {
      expect(bucketOf(build, String(cohort), 1_000)).toBe(getNumericCohortRolloutPosition(build, cohort))
      if (isNumericCohort(id)) return
      const own = Number(getDefaultNumericCohort(id))
      expect(bucketOf(build, id, 1_000)).toBe(getNumericCohortRolloutPosition(build, own))
    }),
    { numRuns: 1_000 },
  )
})

test('growing a percentage loses nobody', () => {
  const percentage = fc.oneof(
    fc.integer({ min: 0, max: 10_000 }).map((hundredths) => hundredths / 100),
    fc.double({ min: 0, max: 100, noNaN: true }),
  )
  fc.assert(
    fc.property(percentage, percentage, anyText, anyText, bucketCount, (one, other, salt, deviceId, buckets) => {
      const [smaller, larger] = [Math.min(one, other), Math.max(one, other)]
      if (!isInPercentage(smaller, salt, deviceId, buckets)) return
      expect(isInPercentage(larger, salt, deviceId, buckets)).toBe(true)
    }),
    { numRuns: 1000 },
  )
})

test('every step of the original rule and of ours grows by exactly one bucket', () => {
  for (const [buckets, step] of [
    [100, 1],
    [1_000, 0.1],
    [10_000, 0.01],
  ] as const) {
    const bucket = bucketOf('', 'device-1', buckets)
    for (let index = 0; index <= buckets; index += 1) {
      const percentage = Number((index * step).toFixed(2))
      expect(isInPercentage(percentage, '', 'device-1', buckets), `${percentage} %`).toBe(index > bucket)
    }
  }
})

test('odd percentages have an answer', () => {
  for (const buckets of [100, 1_000, 10_000] as const) {
    expect(isInPercentage(Number.NaN, '', 'device-1', buckets)).toBe(false)
    expect(isInPercentage(-1, '', 'device-1', buckets)).toBe(false)
    expect(isInPercentage(Number.POSITIVE_INFINITY, '', 'device-1', buckets)).toBe(true)
  }
})

describe('the fleet is divided about evenly', () => {
  const uuid = (index: number) => {
    const hex =
      fnv1a32(`a${index}`).toString(16) + fnv1a32(`b${index}`).toString(16) + fnv1a32(`c${index}`).toString(16)
    return hex.padStart(24, '0').replace(/^(.{8})(.{4})(.{4})(.*)$/, '$1-$2-$3-$4')
  }
  test.each([
    ['counted ids', (index: number) => `device-${index}`],
    ['random ids', uuid],
  ])('%s', (_name, idOf) => {
    const fleet = Array.from({ length: 20_000 }, (_, index) => idOf(index))
    for (const salt of ['', '0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a01']) {
      const counts = Array.from({ length: 100 }, () => 0)
      for (const id of fleet) {
        const hundredth = Math.floor(bucketOf(salt, id, 10_000) / 100)
        counts[hundredth] = (counts[hundredth] ?? 0) + 1
      }
      expect(Math.min(...counts)).toBeGreaterThan(120)
      expect(Math.max(...counts)).toBeLessThan(280)
    }
  })

  /** The hashes of these salts end in the same byte, so that FNV-1a moves every device by the same amount. */
  test('slices divide every percentage evenly, also for salts that FNV-1a does not tell apart', () => {
    const hash = fnv1a32('participants')
    const salts = Array.from({ length: 4000 }, (_, index) => `arms-${index}`)
    const related = salts.filter((salt) => (fnv1a32(salt) & 0xff) === (hash & 0xff)).slice(0, 8)
    expect(related).toHaveLength(8)
    const fleet = Array.from({ length: 20_000 }, (_, index) => uuid(index))
    const takesPart = fleet.filter((id) => isInPercentage(10, 'participants', id, 10_000))
    for (const salt of [...related, ...salts.slice(0, 20)]) {
      const first = takesPart.filter((id) => sliceBucketOf(salt, id) < 5000).length
      // Within five standard deviations of the half.
      const spread = 2.5 * Math.sqrt(takesPart.length)
      expect(Math.abs(first - takesPart.length / 2), `salt ${salt}`).toBeLessThan(spread)
    }
  })

  test('with another salt, others go first', () => {
    const isFirst = (salt: string, index: number) => isInPercentage(10, salt, uuid(index), 10_000)
    const both = Array.from({ length: 20_000 }, (_, index) => index).filter(
      (index) =>
        isFirst('0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a01', index) &&
        isFirst('0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a02', index),
    )
    // 1 % of the fleet, if the two had nothing to do with each other.
    expect(both.length).toBeGreaterThan(100)
    expect(both.length).toBeLessThan(320)
  })
})
