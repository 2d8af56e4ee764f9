import { bsdiffFormatOf, type BsdiffFormat } from '../bsdiff/bsdiff-format.ts'
import { applyUnverified } from '../bsdiff/apply-bsdiff.ts'
import { findDifferences, type DifferenceLimits } from '../differences/find-differences.ts'
import { finish, type WorkOptions } from './work.ts'
import { WRITERS } from './write-bsdiff.ts'

export interface BsdiffOptions extends DifferenceLimits, WorkOptions {
  /** Several cost little more than one: finding what differs is most of the work. */
  formats: readonly BsdiffFormat[]
}

/** Packing comes after finding what differs. */
const FOUND = 0.8

/**
 * A patch in each format, from bytes to bytes, each of which was applied to see that it makes the target. Between steps
 * of some tenths of a second others run; for a server it belongs into a thread all the same.
 * @throws PatchError `too-expensive` before any memory is taken; whatever `signal` was aborted with
 */
export async function makeBsdiff(
  base: Uint8Array,
  target: Uint8Array,
  { formats, signal, onProgress, ...limits }: BsdiffOptions,
): Promise<Uint8Array[]> {
  const differences = await finish(findDifferences(base, target, limits), {
    signal,
    onProgress: (share) => onProgress?.(share * FOUND),
  })
  const patches: Uint8Array[] = []
  for (const format of formats) {
    const patch = await finish(WRITERS[format](differences), { signal })
    expectTarget(patch, base, target)
    patches.push(patch)
    onProgress?.(FOUND + ((1 - FOUND) * patches.length) / formats.length)
  }
  return patches
}

function expectTarget(patch: Uint8Array, base: Uint8Array, target: Uint8Array): void {
  const made = applyUnverified(patch, base, target.length)
  if (Buffer.compare(made, target) !== 0) {
    throw new Error(`Expected a patch of the format ${bsdiffFormatOf(patch)} to make its target, found other bytes.`)
  }
}
