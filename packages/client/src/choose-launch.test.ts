import { describe, expect, test } from 'vitest'
import vectors from '../../../vectors/engine/launch.json' with { type: 'json' }
import { chooseLaunch } from './choose-launch.ts'
import { freshState, type InstalledRelease, type StoredState } from './stored-state.ts'

describe('the choice at start (Engine §3)', () => {
  test.each(vectors.cases)('$comment', ({ state, slots, count, nativeVersion, step }) => {
    const holds = (release: InstalledRelease | null) => release ?? undefined
    const facts = {
      state: { ...freshState('1.0'), ...state } as StoredState,
      slots: { bundle: holds(slots.bundle), previous: holds(slots.previous), pending: holds(slots.pending) },
      count: count ?? undefined,
      nativeVersion,
      startsOnProbation: 2,
    }
    expect(chooseLaunch(facts)).toEqual(step)
  })
})
