// A device must be able to choose what to launch with no network, before any of the app's own code has run,
// and after a crash at any moment. So the choice is a pure function of what is in ota/, and of nothing else.

import { isSameBinary, type Binary } from '../ground/binary.ts'
import { endedBadly, type StartCount } from '../state/crash-counter.ts'
import type { Slot } from '../state/storage-layout.ts'
import {
  isSameRelease,
  type ActiveRelease,
  type InstalledRelease,
  type Move,
  type StoredState,
} from '../state/stored-state.ts'

export interface LaunchFacts {
  state: StoredState
  /** The release that each slot holds whole; undefined for a slot that is empty, torn or unreadable. */
  slots: Readonly<Record<Slot, InstalledRelease | undefined>>
  count: StartCount | undefined
  binary: Binary
  startsOnProbation: number
  badStartsInARow: number
}

export type LaunchStep =
  | { kind: 'move'; move: Move }
  | { kind: 'forget-staged' }
  | { kind: 'launch'; release: null }
  | { kind: 'launch'; release: ActiveRelease }

/** Engine §3: the next step towards a launch. Steps are carried out, and the choice made again, until it is a launch. */
export function chooseLaunch(facts: LaunchFacts): LaunchStep {
  const { state, slots } = facts
  const { active, staged } = state

  // Releases proved themselves on the binary that was replaced: that says nothing of this one.
  if (!isSameBinary(state.binary, facts.binary)) return move({ from: 'embedded', release: null }, 'binary-changed')
  // Whatever was begun is completed first.
  if (state.move) return { kind: 'move', move: state.move }

  if (active && isUsedUp(active, facts)) return move(fallback(facts), whyUsedUp(active, facts))
  if (staged) {
    if (!isAtHand(facts)) return { kind: 'forget-staged' }
    if (staged.from !== 'pending') return move(staged, 'server-order')
    // Only what proved itself becomes ota/previous; a release on probation is simply replaced.
    const keepsCurrent = active?.standing === 'confirmed' && isSameRelease(slots.bundle, active)
    return { kind: 'move', move: { ...staged, why: 'update', keepsCurrent } }
  }
  if (!active) return { kind: 'launch', release: null }
  if (!isSameRelease(slots.bundle, active)) return move(fallback(facts), 'damaged')
  return { kind: 'launch', release: active }
}

/** Engine §3: the last stable release if it is whole and not below the floor, else what the binary shipped with. */
export function fallback({ state, slots }: Pick<LaunchFacts, 'state' | 'slots'>): FallbackSource {
  const { previous, floor } = state
  return previous && isSameRelease(slots.previous, previous) && previous.sequence >= floor
    ? { from: 'previous', release: previous }
    : { from: 'embedded', release: null }
}

type FallbackSource = { from: 'previous'; release: InstalledRelease } | { from: 'embedded'; release: null }

function move(source: FallbackSource | NonNullable<StoredState['staged']>, why: Move['why']): LaunchStep {
  return { kind: 'move', move: { ...source, why, keepsCurrent: false } }
}

type StartFacts = Pick<LaunchFacts, 'state' | 'count' | 'startsOnProbation' | 'badStartsInARow'>

/** Whether the release may not be started once more. */
export function isUsedUp(active: ActiveRelease, facts: StartFacts): boolean {
  const count = countOf(active, facts)
  if (!count) return false
  if (active.standing === 'probation') return count.hasCrashed || count.starts >= facts.startsOnProbation
  // It was good once, and one crash can have any reason.
  return endedBadly(count, facts.state) && count.starts >= facts.badStartsInARow
}

/** What was counted of this release, as it stands now: a count from its probation says nothing later. */
export function countOf(active: ActiveRelease, { count }: Pick<LaunchFacts, 'count'>): StartCount | undefined {
  return count?.releaseId === active.releaseId && count.standing === active.standing ? count : undefined
}

function whyUsedUp({ standing }: ActiveRelease, { count }: LaunchFacts): Move['why'] {
  if (standing === 'confirmed') return 'crashed-after-confirm'
  return count?.hasCrashed ? 'crashed' : 'not-confirmed'
}

function isAtHand({ state: { staged, floor }, slots }: LaunchFacts): boolean {
  switch (staged?.from) {
    case 'pending':
      return isSameRelease(slots.pending, staged.release)
    case 'previous':
      return isSameRelease(slots.previous, staged.release) && staged.release.sequence >= floor
    default:
      return true
  }
}
