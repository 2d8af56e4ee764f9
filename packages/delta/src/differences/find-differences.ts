import { PatchError } from '../ground/patch-error.ts'
import { SUFFIX_BYTES_PER_BYTE, sortSuffixes } from '../suffix/suffix-array.ts'
import type { Differences } from './differences.ts'
import { findMatch, sortedBase, type Match, type SortedBase } from './find-match.ts'

/** Another place in the base must promise so many bytes more than going on where the last match was. */
const WORTH_A_JUMP = 8
/** Where the last match goes on for so long, no other place is looked for. */
const LONG_ENOUGH = 64
/** Between two looks at whether somebody still wants it. */
const POSITIONS_PER_TURN = 64 * 1024
/** What packs the differences, block by block. */
const FIXED_BYTES = 24 * 1024 * 1024
const DEFAULT_MAX_MEMORY_BYTES = 384 * 1024 * 1024
/** Comparisons of one byte for each of the target, and some for small ones: bytes that repeat need more than any code does. */
const COMPARED_PER_BYTE = 2_000
const COMPARED_AT_LEAST = 500_000_000

export interface DifferenceLimits {
  maxMemoryBytes?: number
  maxComparedBytes?: number
}

/** What finding differences and packing them takes at most, without what Node itself takes. */
export function memoryNeeded(baseBytes: number, targetBytes: number): number {
  return baseBytes * (1 + SUFFIX_BYTES_PER_BYTE) + targetBytes * 3 + FIXED_BYTES
}

/**
 * As bsdiff finds them (Percival 2003): pieces of the base that the target has nearly the same, and what is in between.
 * Yields how far it is, from 0 to 1.
 */
export function* findDifferences(
  base: Uint8Array,
  target: Uint8Array,
  { maxMemoryBytes = DEFAULT_MAX_MEMORY_BYTES, maxComparedBytes }: DifferenceLimits = {},
): Generator<number, Differences> {
  const needed = memoryNeeded(base.length, target.length)
  if (needed > maxMemoryBytes) {
    throw new PatchError(
      'too-expensive',
      `A patch from ${base.length} to ${target.length} bytes needs up to ${needed} bytes of memory; ${maxMemoryBytes} are allowed. Serve the whole, or allow more.`,
    )
  }
  const steps = yield* findSteps(
    base,
    target,
    maxComparedBytes ?? COMPARED_AT_LEAST + target.length * COMPARED_PER_BYTE,
  )
  return separate(base, target, steps)
}

/** Of the work that is counted, the sorting is the first half. */
function* findSteps(base: Uint8Array, target: Uint8Array, maxCompared: number): Generator<number, Int32Array> {
  const sorting = sortSuffixes(base)
  let share = 0
  for (let turn = sorting.next(); ; turn = sorting.next()) {
    if (turn.done) return yield* walkTarget(sortedBase(base, turn.value), target, maxCompared)
    // Nobody knows how often it will go deeper: nearer and nearer to a half.
    share += (0.5 - share) / 8
    yield share
  }
}

function* walkTarget(sorted: SortedBase, target: Uint8Array, maxCompared: number): Generator<number, Int32Array> {
  const steps = createSteps()
  const walk = createWalk(sorted, target, steps.add)
  while (!walk.isAtEnd()) {
    if (walk.compared() > maxCompared) {
      throw new PatchError(
        'too-expensive',
        `A patch from ${sorted.base.length} to ${target.length} bytes takes more than ${maxCompared} comparisons: the bytes repeat too much. Serve the whole, or allow more.`,
      )
    }
    walk.goOn(POSITIONS_PER_TURN)
    yield 0.5 + 0.5 * walk.share()
  }
  return steps.all()
}

function createSteps() {
  let steps = new Int32Array(3 * 1024)
  let length = 0

  function add(added: number, inserted: number, jump: number): void {
    if (length === steps.length) {
      const grown = new Int32Array(2 * length)
      grown.set(steps)
      steps = grown
    }
    steps[length] = added
    steps[length + 1] = inserted
    steps[length + 2] = jump
    length += 3
  }

  return { add, all: () => steps.subarray(0, length) }
}

type AddStep = (added: number, inserted: number, jump: number) => void

/** Goes through the target once. Names as in the paper: the last match and the one that may follow it. */
function createWalk(sorted: SortedBase, target: Uint8Array, addStep: AddStep) {
  const { base } = sorted
  const found: Match = { position: 0, length: 0, compared: 0 }
  let compared = 0
  /** Where it looks, and for how many bytes from there it found something. */
  let at = 0
  /** What was written until now. */
  let lastAt = 0
  let lastPosition = 0
  /** Going on where the last match was: how many of the bytes up to `scoredTo` are the same. */
  let lastOffset = 0
  let score = 0
  let scoredTo = 0

  function goOn(positions: number): void {
    const until = Math.min(target.length, at + positions)
    while (at < until) {
      if (skipSame()) continue
      findMatch(sorted, target, at, found)
      scoreTo(at + found.length)
      const isSame = found.length === score && found.length > 0
      if (isSame) {
        startAt(at + found.length)
      } else if (found.length > score + WORTH_A_JUMP) {
        take(found.position)
        startAt(at + found.length)
      } else {
        if (isSameAt(at)) score -= 1
        at += 1
      }
    }
    if (at >= target.length && lastAt < target.length) end()
  }

  /** Whether the last match goes on from here for so long that it is passed over. */
  function skipSame(): boolean {
    const limit = Math.min(target.length, base.length - lastOffset)
    let same = at
    while (same < limit && base[same + lastOffset] === target[same]) same += 1
    compared += same - at
    if (same - at < LONG_ENOUGH) return false
    startAt(same)
    return true
  }

  function startAt(next: number): void {
    at = next
    scoredTo = next
    score = 0
  }

  function isSameAt(index: number): boolean {
    return base[index + lastOffset] === target[index]
  }

  function scoreTo(end: number): void {
    compared += Math.max(0, end - scoredTo)
    for (; scoredTo < end; scoredTo += 1) if (isSameAt(scoredTo)) score += 1
  }

  /** Ends the last match and begins the one at `position`: each reaches into what is between as far as it gains. */
  function take(position: number): void {
    let forward = reachForward(at)
    let back = reachBack(position)
    compared += 2 * (at - lastAt)
    const overlap = lastAt + forward - (at - back)
    if (overlap > 0) {
      const kept = divide(position, { forward, back, overlap })
      forward += kept - overlap
      back -= kept
    }
    addStep(forward, at - back - (lastAt + forward), position - back - (lastPosition + forward))
    lastAt = at - back
    lastPosition = position - back
    lastOffset = position - at
  }

  function reachForward(end: number): number {
    let [same, best, reach] = [0, 0, 0]
    const limit = Math.min(end - lastAt, base.length - lastPosition)
    for (let index = 0; index < limit; index += 1) {
      if (base[lastPosition + index] === target[lastAt + index]) same += 1
      const gain = 2 * same - (index + 1)
      if (gain > best) {
        best = gain
        reach = index + 1
      }
    }
    return reach
  }

  function reachBack(position: number): number {
    let [same, best, reach] = [0, 0, 0]
    const limit = Math.min(at - lastAt, position)
    for (let index = 1; index <= limit; index += 1) {
      if (base[position - index] === target[at - index]) same += 1
      const gain = 2 * same - index
      if (gain > best) {
        best = gain
        reach = index
      }
    }
    return reach
  }

  /** How many of the bytes that both reach are the last match's. */
  function divide(position: number, { forward, back, overlap }: { forward: number; back: number; overlap: number }) {
    let [gain, best, kept] = [0, 0, 0]
    const start = lastAt + forward - overlap
    const lastStart = lastPosition + forward - overlap
    for (let index = 0; index < overlap; index += 1) {
      if (target[start + index] === base[lastStart + index]) gain += 1
      if (target[start + index] === base[position - back + index]) gain -= 1
      if (gain > best) {
        best = gain
        kept = index + 1
      }
    }
    return kept
  }

  function end(): void {
    const forward = reachForward(target.length)
    addStep(forward, target.length - (lastAt + forward), 0)
    lastAt = target.length
  }

  return {
    goOn,
    isAtEnd: () => lastAt >= target.length,
    compared: () => compared + found.compared,
    share: () => at / target.length,
  }
}

function separate(base: Uint8Array, target: Uint8Array, steps: Int32Array): Differences {
  let addedBytes = 0
  for (let step = 0; step < steps.length; step += 3) addedBytes += steps[step]!
  const added = new Uint8Array(addedBytes)
  const inserted = new Uint8Array(target.length - addedBytes)
  let [at, position, addedAt, insertedAt] = [0, 0, 0, 0]
  for (let step = 0; step < steps.length; step += 3) {
    const length = steps[step]!
    for (let index = 0; index < length; index += 1)
      added[addedAt + index] = target[at + index]! - base[position + index]!
    at += length
    addedAt += length
    const literal = steps[step + 1]!
    inserted.set(target.subarray(at, at + literal), insertedAt)
    at += literal
    insertedAt += literal
    position += length + steps[step + 2]!
  }
  return { steps, added, inserted, targetBytes: target.length }
}
