import { compileCatalog, decide, type CatalogRollout } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import { NOTHING_HELD } from './held-files.ts'
import type { OfferedRelease } from './catalog-queries.ts'
import type { LiveCatalog } from './catalogs.ts'
import { rolloutOfCheck, rolloutOfEvent } from './counted-rollout.ts'

const NOW = 10_000

function aRelease(id: string, sequence: number): OfferedRelease {
  return {
    id,
    version: `${sequence}.0.0`,
    sequence,
    floor: 0,
    keyId: null,
    isStated: false,
    requirement: {},
    content: { kind: 'archive', sha256: 'aa', sizeBytes: 1 },
    held: NOTHING_HELD,
    variants: [],
    notes: '',
    signature: null,
    statement: null,
    statementSignature: null,
  }
}

const ONE = aRelease('one', 1)
const TWO = aRelease('two', 2)

/** Each on top of those before it; `startedAt` is 1,000 for the first, 2,000 for the second … */
function catalogOf(...placed: Partial<CatalogRollout<OfferedRelease>>[]): LiveCatalog {
  const rollouts = placed.map((changes, index): CatalogRollout<OfferedRelease> => ({
    id: `rollout-${index + 1}`,
    position: index + 1,
    target: ONE,
    state: 'active',
    startsAt: null,
    startedAt: (index + 1) * 1_000,
    mandatory: false,
    audience: { devices: [], cohorts: [], percentage: 100, salt: 's', buckets: 10_000, rules: [], slice: null },
    restated: null,
    ...changes,
  }))
  const catalog = compileCatalog({ appId: 'app', platform: 'ios', channel: 'production', generation: 1, rollouts })
  return { ...catalog, restatements: new Map(), embeddedAnswers: undefined, labelNumbers: null }
}

const nobody = { devices: [], cohorts: [], percentage: 0, salt: 's', buckets: 10_000, rules: [], slice: null } as const

describe('the rollout that a check counts for', () => {
  const countedFor = (catalog: LiveCatalog, currentReleaseId: string | null) => {
    const device = { id: 'd', currentReleaseId, failedReleaseIds: [], cohorts: [] }
    return rolloutOfCheck(catalog, decide(catalog, device, NOW), currentReleaseId, NOW)
  }

  test('is the one that is offered', () => {
    expect(countedFor(catalogOf({}, { target: TWO }), 'one')).toEqual({
      rolloutId: 'rollout-2',
      rolloutStartedAt: 2_000,
      isOffer: true,
    })
    expect(countedFor(catalogOf({}, { target: 'embedded' }), 'one')).toEqual({
      rolloutId: 'rollout-2',
      rolloutStartedAt: 2_000,
      isOffer: true,
    })
  })

  test('is else the one that the device is in, also when the release was placed again for others', () => {
    const catalog = catalogOf({}, { audience: nobody })
    expect(countedFor(catalog, 'one')).toEqual({ rolloutId: 'rollout-1', rolloutStartedAt: 1_000, isOffer: false })
  })

  test('is the newest of the release that has started when no rollout is for the device any more', () => {
    const gone = catalogOf({ state: 'halted' }, { state: 'halted' }, { startsAt: NOW + 1, audience: nobody })
    expect(countedFor(gone, 'one')).toEqual({ rolloutId: 'rollout-2', rolloutStartedAt: 2_000, isOffer: false })
  })

  test('is none when nothing places what it runs', () => {
    expect(countedFor(catalogOf(), null)).toEqual({ rolloutId: null, rolloutStartedAt: null, isOffer: false })
    expect(countedFor(catalogOf({ audience: nobody }), 'unknown')).toEqual({
      rolloutId: null,
      rolloutStartedAt: null,
      isOffer: false,
    })
  })
})

describe('the rollout that an event counts for', () => {
  const catalog = catalogOf({}, { target: TWO }, {}, { startsAt: NOW + 1 })
  const countedFor = (at: number, rolloutId?: string, releaseId = 'one') =>
    rolloutOfEvent([catalog], { releaseId, rolloutId, at }, NOW)?.id

  test('is the newest that had started by then', () => {
    expect([1_000, 2_999, 3_000, NOW].map((at) => countedFor(at))).toEqual([
      'rollout-1',
      'rollout-1',
      'rollout-3',
      'rollout-3',
    ])
  })

  test('is the first one when the clock says that there was none yet', () => {
    expect(rolloutOfEvent([catalog], { releaseId: 'one', rolloutId: undefined, at: 5 }, NOW)).toEqual({
      id: 'rollout-1',
      startedAt: 1_000,
      others: [],
    })
  })

  test('comes with the others that it may be, unless the device named one', () => {
    const othersOf = (at: number, rolloutId?: string) =>
      rolloutOfEvent([catalog], { releaseId: 'one', rolloutId, at }, NOW)?.others
    expect([othersOf(NOW), othersOf(2_000), othersOf(NOW, 'rollout-3')]).toEqual([['rollout-1'], [], []])
  })

  test('is the one that the device names, when that placed the release', () => {
    expect(countedFor(NOW, 'rollout-1')).toBe('rollout-1')
    expect(countedFor(NOW, 'rollout-2')).toBe('rollout-3')
    expect(countedFor(NOW, 'rollout-4')).toBe('rollout-3')
    expect(countedFor(NOW, 'elsewhere')).toBe('rollout-3')
  })

  test('is none when the release was never placed', () => {
    expect(countedFor(NOW, undefined, 'unknown')).toBeUndefined()
  })
})
