import type { TreeFile } from '@hotpatch/protocol'

/** So many of the pieces of a file stand for it. */
const SKETCH_PIECES = 64
const PIECE_BYTES = 32
/** One in so many pieces is looked at, by its content: the same ones in all files that have them. */
const SAMPLED = 32
const MULTIPLIER = 0x01000193
/** The weight that a byte has when it leaves its piece. */
const LEAVING = Array.from({ length: PIECE_BYTES }).reduce<number>((weight) => Math.imul(weight, MULTIPLIER), 1)
/** What so many files have says nothing of them: the wrapping that a bundler puts around everything. */
const MAX_FILES_WITH_PIECE = 256
/** Of the pieces of the smaller one: less is chance. */
const LEAST_SHARE = 0.05
/** A file at the same path is preferred, unless another one has so many times as much of it. */
const PREFERENCE = 2

/** Hashes of some pieces of 32 bytes, chosen by what is in them: the smallest ones. */
export function sketchOf(bytes: Uint8Array): Uint32Array {
  const sampled = new Set<number>()
  let hash = 0
  for (let index = 0; index < bytes.length; index += 1) {
    hash = Math.imul(hash, MULTIPLIER) + bytes[index]! + 1
    if (index >= PIECE_BYTES) hash -= Math.imul(bytes[index - PIECE_BYTES]! + 1, LEAVING)
    if (index < PIECE_BYTES - 1) continue
    const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0
    if (mixed % SAMPLED === 0) sampled.add(mixed)
  }
  return Uint32Array.from(sampled).sort().slice(0, SKETCH_PIECES)
}

export interface SimilarFiles {
  add(number: number, file: TreeFile, sketch: Uint32Array): void
  /** The number of the file that has most of it; undefined when none has anything of it. */
  find(path: string, sketch: Uint32Array): number | undefined
}

/** Patches §6: a file whose name has a digest in it is another one in every build, with nearly the same content. */
export function createSimilarFiles(): SimilarFiles {
  const filesWith = new Map<number, number[]>()
  const sizes = new Map<number, number>()
  const numbers = new Map<string, number>()

  function add(number: number, { path }: TreeFile, sketch: Uint32Array): void {
    numbers.set(path, number)
    sizes.set(number, sketch.length)
    for (const piece of sketch) {
      const files = filesWith.get(piece) ?? []
      files.push(number)
      filesWith.set(piece, files)
    }
  }

  function find(path: string, sketch: Uint32Array): number | undefined {
    const shared = new Map<number, number>()
    for (const piece of sketch) {
      const files = filesWith.get(piece) ?? []
      if (files.length > MAX_FILES_WITH_PIECE) continue
      for (const number of files) shared.set(number, (shared.get(number) ?? 0) + 1)
    }
    const shareOf = (number: number) =>
      (shared.get(number) ?? 0) / Math.max(1, Math.min(sketch.length, sizes.get(number) ?? 0))
    let best: number | undefined
    for (const number of shared.keys()) if (best === undefined || shareOf(number) > shareOf(best)) best = number
    const same = numbers.get(path)
    if (same !== undefined && (best === undefined || shareOf(same) * PREFERENCE >= shareOf(best))) return same
    return best !== undefined && shareOf(best) >= LEAST_SHARE ? best : undefined
  }

  return { add, find }
}
