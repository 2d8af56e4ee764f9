import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileCatalog, type Catalog, type CatalogRelease, type CatalogRollout } from './catalog.ts'
import { decide, type Decision, type PassedOverReason } from './decide.ts'
import type { Device } from './device.ts'

const NOW = 1000

/** Requirements that the reference can judge without our code: whole numbers, and ">=A <B". */
const requirement = fc.record(
  {
    minNativeVersion: fc.constantFrom('1', '2', '3'),
    nativeRange: fc.constantFrom('>=1 <3', '>=2 <4', '>=3 <9', 'no range'),
    runtimeVersion: fc.constantFrom('a', 'b'),
  },
  { requiredKeys: [] },
)

const someRequirement = fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: requirement })

const releases = fc.tuple(...[1, 2, 3, 4].map(() => fc.tuple(someRequirement, fc.nat({ max: 12 })))).map((pool) =>
  pool.map(([requires, floor], index): CatalogRelease => {
    const sequence = index + 1
    return {
      id: `release-${sequence}`,
      version: `1.${sequence}.0`,
      sequence,
      requirement: requires,
      floor: floor <= sequence ? floor : 0,
    }
  }),
)

const audience = fc.record({
  devices: fc.subarray(['device-1', 'device-2'], { maxLength: 1 }),
  cohorts: fc.subarray(['staff', 'testers']),
  percentage: fc.oneof(
    fc.constantFrom(0, 100),
    fc.nat({ max: 10_000 }).map((hundredths) => hundredths / 100),
  ),
  salt: fc.constantFrom('', 'salt'),
  buckets: fc.constantFrom(100 as const, 10_000 as const),
})

const catalogs = releases.chain((pool) =>
  fc
    .array(
      fc.record({
        target: fc.oneof(
          { weight: 6, arbitrary: fc.constantFrom(...pool) },
          { weight: 1, arbitrary: fc.constant('embedded' as const) },
        ),
        state: fc.constantFrom(
          'active' as const,
          'active' as const,
          'active' as const,
          'paused' as const,
          'halted' as const,
          'withdrawn' as const,
        ),
        startsAt: fc.constantFrom(null, null, null, NOW - 1, NOW, NOW + 1),
        mandatory: fc.boolean(),
        audience,
        restated: fc.oneof(
          { weight: 5, arbitrary: fc.constant(null) },
          {
            weight: 1,
            arbitrary: fc.record({ sequence: fc.integer({ min: 1, max: 9 }), floor: fc.constantFrom(0, 0, 1, 3) }),
          },
        ),
      }),
      { maxLength: 7 },
    )
    .map((rollouts): Catalog => {
      const placed = rollouts.map((rollout, index) => ({ ...rollout, id: `rollout-${index}`, position: index * 2 }))
      return { appId: 'app', platform: 'android', channel: 'beta', generation: 1, rollouts: placed }
    }),
)

const releaseIds = ['release-1', 'release-2', 'release-3', 'release-4']
const devices = fc.record({
  id: fc.constantFrom('device-1', 'device-2', 'device-3', 'gerät-📱'),
  nativeVersion: fc.constantFrom(undefined, '1', '1.0', '2', '3', '4', 'unknown'),
  runtimeVersion: fc.constantFrom(undefined, 'a', 'b'),
  currentReleaseId: fc.constantFrom(null, ...releaseIds, 'of-another-channel'),
  failedReleaseIds: fc.oneof(fc.constant([]), fc.subarray(releaseIds, { maxLength: 2 })),
  cohorts: fc.oneof(fc.constant([]), fc.subarray(['staff', 'testers', 'others'])),
})

/** An answer without the objects in it, to compare. */
interface Summary {
  kind: string
  reason: string
  rolloutId?: string | null
  mandatory?: boolean
  direction?: string
  note: string | null
}

function summarise(decision: Decision): Summary {
  const { kind, reason } = decision
  const note =
    decision.nativeUpdate && `${decision.nativeUpdate.releaseId} needs ${decision.nativeUpdate.minNativeVersion}`
  if (kind !== 'update' && kind !== 'embedded') return { kind, reason, note }
  const { mandatory, direction, rollout } = decision
  return { kind, reason, rolloutId: rollout?.id ?? null, mandatory, direction, note }
}

/**
 * The rules once more, written from docs/protocol/01-decision.md as plainly as they are there, with nothing shared.
 * Where this and `decide` differ, one of them has read the document wrongly.
 */
function decideByTheBook(catalog: Catalog, device: Device): Summary {
  const fromTheTop = catalog.rollouts.toSorted((a, b) => b.position - a.position)
  const releaseOf = (rollout: CatalogRollout) => (rollout.target === 'embedded' ? undefined : rollout.target)
  const idOf = (rollout: CatalogRollout) => releaseOf(rollout)?.id ?? null
  const sequenceOf = (rollout: CatalogRollout) => rollout.restated?.sequence ?? releaseOf(rollout)?.sequence ?? 0
  const isStarted = (rollout: CatalogRollout) => rollout.startsAt === null || rollout.startsAt <= NOW
  const isGone = (rollout: CatalogRollout) => rollout.state === 'halted' || rollout.state === 'withdrawn'
  const isCurrent = (rollout: CatalogRollout) => idOf(rollout) === device.currentReleaseId

  // Decision §8
  const floors = fromTheTop
    .filter((rollout) => isStarted(rollout) && rollout.state !== 'withdrawn')
    .map((rollout) => (rollout.restated ? rollout.restated.floor : (releaseOf(rollout)?.floor ?? 0)))
  const floor = Math.max(0, ...floors)

  // Decision §2
  const forceReason = (rollout: CatalogRollout): PassedOverReason | null => {
    if (rollout.state === 'halted') return 'halted'
    if (rollout.state === 'withdrawn') return 'withdrawn'
    if (!isStarted(rollout)) return 'not-started'
    return rollout.state === 'paused' && !isCurrent(rollout) ? 'paused' : null
  }
  // Decision §3
  const shellReason = (rollout: CatalogRollout): PassedOverReason | null => {
    const { minNativeVersion, nativeRange, runtimeVersion } = releaseOf(rollout)?.requirement ?? {}
    if (nativeRange === 'no range') return 'requirement-unreadable'
    if (runtimeVersion !== undefined && runtimeVersion !== device.runtimeVersion) return 'runtime-mismatch'
    if (minNativeVersion === undefined && nativeRange === undefined) return null
    const native = Number(device.nativeVersion)
    if (Number.isNaN(native)) return 'native-version-unknown'
    const [, low, high] = /^>=(\d) <(\d)$/.exec(nativeRange ?? '>=0 <9') ?? []
    if (native < Number(low) || native >= Number(high)) return 'native-out-of-range'
    return minNativeVersion !== undefined && native < Number(minNativeVersion) ? 'native-too-old' : null
  }
  // Decision §4
  const audienceOf = (rollout: CatalogRollout): 'forced-device' | 'cohort' | 'percentage' | null => {
    const { devices: forced, cohorts, percentage, salt, buckets } = rollout.audience
    if (forced.includes(device.id)) return 'forced-device'
    if (cohorts.filter((cohort) => device.cohorts.includes(cohort)).length > 0) return 'cohort'
    let hash = 2_166_136_261n
    for (const byte of new TextEncoder().encode(salt + device.id))
      hash = ((hash ^ BigInt(byte)) * 16_777_619n) % 2n ** 32n
    const share = Number(hash % BigInt(buckets)) / buckets
    // Half of the smallest step, as hundredths of a percent have no exact binary form.
    return share + 0.000_000_5 < percentage / 100 ? 'percentage' : null
  }
  const failedReason = (rollout: CatalogRollout): PassedOverReason | null => {
    const id = idOf(rollout)
    return id !== null && device.failedReleaseIds.includes(id) ? 'failed-on-this-device' : null
  }
  const floorReason = (rollout: CatalogRollout): PassedOverReason | null =>
    sequenceOf(rollout) < floor ? 'below-floor' : null
  const reasonsOf = (rollout: CatalogRollout): PassedOverReason[] =>
    [
      forceReason(rollout),
      floorReason(rollout),
      failedReason(rollout),
      audienceOf(rollout) ? null : ('outside-audience' as const),
      shellReason(rollout),
    ].filter((reason) => reason !== null)
  const isAll = (rollout: CatalogRollout, reason: PassedOverReason) =>
    reasonsOf(rollout).length === 1 && reasonsOf(rollout)[0] === reason

  // Decision §5
  const target = fromTheTop.find((rollout) => reasonsOf(rollout).length === 0)
  const isAbove = (rollout: CatalogRollout) => !target || rollout.position > target.position
  const kept =
    device.currentReleaseId === null
      ? undefined
      : fromTheTop.find((rollout) => isCurrent(rollout) && isAbove(rollout) && isAll(rollout, 'outside-audience'))
  // Decision §7
  const waiting = fromTheTop.find((rollout) => isAbove(rollout) && isAll(rollout, 'native-too-old'))
  const isHelpful = waiting && kept && waiting.position > kept.position
  const noteOf = (rollout: CatalogRollout) =>
    `${idOf(rollout)} needs ${releaseOf(rollout)?.requirement.minNativeVersion}`
  const note = waiting ? noteOf(waiting) : null

  if (target && isCurrent(target)) return { kind: 'up-to-date', reason: 'runs-the-target', note }
  if (kept) return { kind: 'up-to-date', reason: 'ahead-of-rollout', note: isHelpful ? note : null }
  if (target) {
    // Decision §6
    const place = fromTheTop.find((rollout) => isCurrent(rollout) && isStarted(rollout))?.position ?? -1
    const isBetween = (rollout: CatalogRollout) => rollout.position > place && rollout.position < target.position
    const mandatory =
      target.mandatory ||
      fromTheTop.some((rollout) => isBetween(rollout) && rollout.mandatory && reasonsOf(rollout).length === 0)
    const reason = audienceOf(target) ?? 'none'
    const common = { reason, rolloutId: target.id, mandatory, note }
    if (target.target === 'embedded') return { kind: 'embedded', direction: 'back', ...common }
    const current = fromTheTop.find((rollout) => isCurrent(rollout))
    const isBack = current && target.target.sequence < (releaseOf(current)?.sequence ?? 0)
    return { kind: 'update', direction: isBack ? 'back' : 'forward', ...common }
  }
  const mine = device.currentReleaseId === null ? [] : fromTheTop.filter((rollout) => isCurrent(rollout))
  const isTakenBack = mine.some(isGone) && mine.filter(isStarted).every(isGone)
  if (isTakenBack && floor === 0) {
    const reason = 'release-taken-back'
    return { kind: 'embedded', reason, rolloutId: null, mandatory: false, direction: 'back', note }
  }
  if (waiting) return { kind: 'native-update-required', reason: 'native-too-old', note }
  const topmost = fromTheTop.map((rollout) => reasonsOf(rollout)[0])[0]
  return { kind: 'up-to-date', reason: isTakenBack ? 'below-floor' : (topmost ?? 'nothing-published'), note }
}

describe('decide', () => {
  test('is what the document says', () => {
    fc.assert(
      fc.property(catalogs, devices, (catalog, device) => {
        expect(summarise(decide(compileCatalog(catalog), device, NOW))).toEqual(decideByTheBook(catalog, device))
      }),
      { numRuns: 6000 },
    )
  })

  test('does not depend on the order of the input, nor on what was decided before', () => {
    const shuffled = catalogs.chain((catalog) =>
      fc.tuple(
        fc.constant(catalog),
        fc.shuffledSubarray([...catalog.rollouts], { minLength: catalog.rollouts.length }),
      ),
    )
    fc.assert(
      fc.property(shuffled, devices, ([catalog, rollouts], device) => {
        const compiled = compileCatalog(catalog)
        const first = decide(compiled, device, NOW, { trace: true })
        expect(decide(compiled, device, NOW, { trace: true })).toEqual(first)
        expect(decide(compileCatalog({ ...catalog, rollouts }), device, NOW, { trace: true })).toEqual(first)
      }),
      { numRuns: 500 },
    )
  })

  test('the trace explains the answer, and changes nothing', () => {
    fc.assert(
      fc.property(catalogs, devices, (catalog, device) => {
        const compiled = compileCatalog(catalog)
        const { trace, ...traced } = decide(compiled, device, NOW, { trace: true })
        const { trace: none, ...untraced } = decide(compiled, device, NOW)
        expect(none).toBeNull()
        expect(traced).toEqual(untraced)

        const rollouts = trace?.rollouts ?? []
        expect(rollouts.map(({ rolloutId }) => rolloutId)).toEqual(compiled.rollouts.map(({ id }) => id))
        const end = rollouts.findIndex(({ outcome }) => outcome === 'target')
        const isFailing = ({ verdicts }: (typeof rollouts)[number]) => verdicts.some(({ reason }) => reason !== null)
        for (const rollout of end === -1 ? rollouts : rollouts.slice(0, end)) {
          expect(rollout.outcome).toBe('passed-over')
          expect(isFailing(rollout)).toBe(true)
        }
        if (end !== -1) expect(rollouts.slice(end).map(isFailing)[0]).toBe(false)
        for (const rollout of end === -1 ? [] : rollouts.slice(end + 1)) {
          expect(rollout.outcome).toBe(isFailing(rollout) ? 'passed-over' : 'not-reached')
        }
        // The answer names the target of the trace, or keeps the device where it is.
        const offered = traced.kind === 'update' || traced.kind === 'embedded' ? traced.rollout : undefined
        if (offered) expect(rollouts[end]?.rolloutId).toBe(offered.id)
        const plain = rollouts.flatMap(({ verdicts }) => verdicts.flatMap(({ reason }) => reason ?? []))
        const own = ['ahead-of-rollout', 'runs-the-target', 'nothing-published', 'release-taken-back', 'below-floor']
        if (!offered && !own.includes(traced.reason)) expect(plain).toContain(traced.reason)
      }),
      { numRuns: 1500 },
    )
  })

  test('growing a percentage loses nobody', () => {
    const percentages = fc.tuple(fc.nat({ max: 10_000 }), fc.nat({ max: 10_000 }))
    fc.assert(
      fc.property(catalogs, devices, percentages, fc.nat(), fc.string(), (catalog, device, two, which, salt) => {
        const rollouts = catalog.rollouts.map((rollout, index) => (grown: number) => {
          if (index !== which % catalog.rollouts.length) return rollout
          return { ...rollout, audience: { ...rollout.audience, percentage: grown / 100, salt } }
        })
        const at = (grown: number) =>
          decide(compileCatalog({ ...catalog, rollouts: rollouts.map((make) => make(grown)) }), device, NOW)
        const grownId = `rollout-${which % catalog.rollouts.length}`
        const before = at(Math.min(...two))
        if (before.kind !== 'update' || before.rollout.id !== grownId) return
        expect(summarise(at(Math.max(...two)))).toEqual(summarise(before))
      }),
      { numRuns: 1500 },
    )
  })

  test('has an answer for everything, however odd', () => {
    const text = fc.oneof(
      fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength: 12 }),
      fc.constantFrom('', '__proto__', 'constructor', 'null', '9'.repeat(400), '1.'.repeat(200), 'release-1'),
    )
    const texts = fc.array(text, { maxLength: 3 })
    const oddRollout = fc.record({
      id: text,
      position: fc.double(),
      target: fc.oneof(
        fc.constant('embedded' as const),
        fc.record({
          id: text,
          version: text,
          sequence: fc.double(),
          floor: fc.double(),
          requirement: fc.record(
            { minNativeVersion: text, nativeRange: text, runtimeVersion: text },
            { requiredKeys: [] },
          ),
        }),
      ),
      state: fc.constantFrom('active' as const, 'paused' as const, 'halted' as const, 'withdrawn' as const),
      startsAt: fc.option(fc.double()),
      mandatory: fc.boolean(),
      audience: fc.record({
        devices: texts,
        cohorts: texts,
        percentage: fc.double(),
        salt: text,
        buckets: fc.constantFrom(100 as const, 10_000 as const),
      }),
      restated: fc.option(fc.record({ sequence: fc.double(), floor: fc.double() })),
    })
    const oddDevice = fc.record({
      id: text,
      nativeVersion: fc.option(text, { nil: undefined }),
      runtimeVersion: fc.option(text, { nil: undefined }),
      currentReleaseId: fc.option(text),
      failedReleaseIds: texts,
      cohorts: texts,
    })
    fc.assert(
      fc.property(fc.array(oddRollout, { maxLength: 5 }), oddDevice, fc.double(), (rollouts, device, now) => {
        const catalog = compileCatalog({ appId: '', platform: 'any', channel: '', generation: 0, rollouts })
        const decision = decide(catalog, device, now, { trace: true })
        expect(['up-to-date', 'native-update-required', 'update', 'embedded']).toContain(decision.kind)
        if (decision.kind !== 'update') return
        // What is no number never lets anything through.
        expect(decision.release.id).not.toBe(device.currentReleaseId)
        expect(device.failedReleaseIds).not.toContain(decision.release.id)
        expect(decision.rollout.state).toBe('active')
        expect(decision.rollout.sequence).not.toBeNaN()
        expect(decision.rollout.startsAt).not.toBeNaN()
      }),
      { numRuns: 1500 },
    )
  })
})
