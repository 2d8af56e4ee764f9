import { describe, expect, test } from 'vitest'
import vectors from '../../../../vectors/engine/launch.json' with { type: 'json' }
import { chooseLaunch } from './choose-launch.ts'
import type { StartCount } from '../state/crash-counter.ts'
import { freshState, type InstalledRelease, type StoredState } from '../state/stored-state.ts'

describe('the choice at start (Engine §3)', () => {
  test.each(vectors.cases)('$comment', ({ state, slots, count, binary, step }) => {
    const holds = (release: InstalledRelease | null) => release ?? undefined
    const facts = {
      state: { ...freshState(binary), ...state } as StoredState,
      slots: { bundle: holds(slots.bundle), previous: holds(slots.previous), pending: holds(slots.pending) },
      count: (count ?? undefined) as StartCount | undefined,
      binary,
      startsOnProbation: 2,
      badStartsInARow: 3,
    }
    expect(chooseLaunch(facts)).toEqual(step)
  })
})
