import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { earlierRollouts, type PlacedRollout } from './earlier-rollouts.ts'

interface Placing {
  releaseId: string | null
  isNarrowed: boolean
  isHalted: boolean
}

const EVERYTHING = { isNarrowed: false, isHalted: false }

/** Oldest first, as they were placed. */
const historyOf = (placings: readonly Placing[]): PlacedRollout[] =>
  placings
    .map(({ releaseId, isNarrowed, isHalted }, index) => ({
      id: `rollout-${index}`,
      releaseId,
      version: releaseId,
      position: index,
      state: isHalted ? ('halted' as const) : ('active' as const),
      hasStarted: true,
      percentage: 100,
      isNarrowed,
      isArchived: false,
      hasTripped: false,
      experimentId: null,
    }))
    .toReversed()

/** Where the one that was placed last goes back to, nearest first. */
const waysBack = (placings: readonly Placing[]): string[] => {
  const [last] = historyOf(placings)
  if (!last) return []
  const earlier = earlierRollouts(historyOf(placings), last).filter(({ isSound }) => isSound)
  return [...new Set(earlier.map(({ releaseId }) => releaseId))]
}
const afterAll = (...releases: (string | null)[]) =>
  waysBack(releases.map((releaseId) => ({ releaseId, ...EVERYTHING })))

describe('what was before', () => {
  test.each([
    ['what was placed before, newest first', ['a', 'b', 'c'], ['b', 'a']],
    ['below the first rollout of a release that was placed again', ['a', 'b', 'c', 'b'], ['a']],
    ['nothing before the first release, placed again', ['a', 'b', 'c', 'a'], []],
    ['not what was rolled back from before', ['a', 'b', 'c', 'b', 'd'], ['b', 'a']],
    ['what was placed anew after it was rolled back from', ['a', 'b', 'a', 'b', 'c'], ['b', 'a']],
    ['not what was rolled back from twice', ['a', 'b', 'a', 'b', 'a'], []],
    ['nothing below what the binary shipped with', ['a', 'b', null, 'c'], []],
    ['what came after what the binary shipped with', ['a', null, 'b', 'c'], ['b']],
  ])('%s', (_case, releases, expected) => expect(afterAll(...releases)).toEqual(expected))

  test('an old release for testers takes nothing back from the others', () => {
    const placings = ['a', 'b', 'a', 'c'].map((releaseId, index) => ({
      releaseId,
      ...EVERYTHING,
      isNarrowed: index === 2,
    }))
    expect(waysBack(placings)).toEqual(['a', 'b'])
  })

  test('a release whose newest rollout was halted is no way back, although an older one is in force', () => {
    const placings = ['a', 'b', 'b', 'c'].map((releaseId, index) => ({
      releaseId,
      ...EVERYTHING,
      isHalted: index === 2,
    }))
    expect(waysBack(placings)).toEqual(['a'])
  })
})

const histories = fc.array(
  fc.record({
    releaseId: fc.option(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { nil: null, freq: 12 }),
    isNarrowed: fc.boolean(),
    isHalted: fc.boolean(),
  }),
  { minLength: 1, maxLength: 14 },
)

/** Told forwards, as it happened: what is rolled back from, and what was halted last. */
function takenBack(placings: readonly Placing[]): Set<string> {
  const first = new Map<string, number>()
  const out = new Set<string>()
  const halted = new Map<string, boolean>()
  for (const [now, { releaseId, isNarrowed, isHalted }] of placings.entries()) {
    const isLast = now === placings.length - 1
    const since = releaseId === null ? -1 : (first.get(releaseId) ?? now)
    if (!isNarrowed || (isLast && releaseId !== null)) {
      for (const [other, at] of first) if (other !== releaseId && at > since) out.add(other)
    }
    if (releaseId === null) continue
    if (!first.has(releaseId)) first.set(releaseId, now)
    out.delete(releaseId)
    halted.set(releaseId, isHalted)
  }
  for (const [releaseId, isHalted] of halted) if (isHalted) out.add(releaseId)
  return out
}

test('a guard never lands on what was rolled back from or halted, nor on what it leaves', () => {
  fc.assert(
    fc.property(histories, (placings) => {
      const barred = takenBack(placings)
      const left = placings.at(-1)?.releaseId
      for (const target of waysBack(placings)) {
        expect(target).not.toBe(left)
        expect([...barred]).not.toContain(target)
      }
    }),
    { numRuns: 5000 },
  )
})

test('whatever is left is found: a line of releases, of which placing one again drops what came after its first', () => {
  const releases = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', null), { minLength: 1, maxLength: 14 })
  fc.assert(
    fc.property(releases, (placed: (string | null)[]) => {
      let line: string[] = []
      for (const releaseId of placed) {
        const first = releaseId === null ? -1 : placed.indexOf(releaseId)
        line = line.filter((other) => placed.indexOf(other) < first)
        if (releaseId !== null) line.push(releaseId)
      }
      const before = line.filter((releaseId) => releaseId !== placed.at(-1))
      expect(afterAll(...placed)).toEqual(before.toReversed())
    }),
    { numRuns: 5000 },
  )
})
