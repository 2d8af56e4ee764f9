import { damaged } from '../ground/patch-error.ts'

export interface Steps {
  /** Fills `step` with the three numbers of the next one. */
  readStep(step: Float64Array): void
  /** Fills `target` between `from` and `to` with the next bytes that are to be added to those of the base. */
  readAdded(target: Uint8Array, from: number, to: number): void
  readInserted(target: Uint8Array, from: number, to: number): void
  /** Refuses what goes on. */
  end(): void
}

/**
 * Makes `target`, which is as long as the patch says, of the base. What a step would take from outside of the base counts
 * as zeros, as it does for bspatch.
 */
export function applySteps(base: Uint8Array, target: Uint8Array, steps: Steps): void {
  const step = new Float64Array(3)
  let at = 0
  let position = 0
  // A step may make nothing and only move; none that bsdiff makes is without any purpose, and a small stream of zeros
  // stands for billions of them.
  for (let left = target.length + 1; at < target.length; left -= 1) {
    if (left === 0) throw damaged('Expected steps that make the target, found more of them than it has bytes.')
    steps.readStep(step)
    const [added, inserted, jump] = [step[0]!, step[1]!, step[2]!]
    const rest = target.length - at
    if (added < 0 || inserted < 0 || added + inserted > rest) {
      throw damaged(`Expected a step within the ${rest} bytes that are left, found one of ${added} and ${inserted}.`)
    }
    steps.readAdded(target, at, at + added)
    addBase(target, { at, base, position, length: added })
    steps.readInserted(target, at + added, at + added + inserted)
    at += added + inserted
    position += added + jump
    if (!Number.isSafeInteger(position)) throw damaged('Expected a place in the base, found one beyond 2^53.')
  }
  steps.end()
}

function addBase(
  target: Uint8Array,
  { at, base, position, length }: { at: number; base: Uint8Array; position: number; length: number },
): void {
  const from = Math.max(0, -position)
  const to = Math.min(length, base.length - position)
  for (let index = from; index < to; index += 1) target[at + index]! += base[position + index]!
}
