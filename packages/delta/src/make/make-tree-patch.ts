import { setImmediate } from 'node:timers/promises'
import { inTreeOrder } from '@hotpatch/protocol'
import type { DifferenceLimits } from '../differences/find-differences.ts'
import { nodeSha256, nodeUnpacking } from '../node/index.ts'
import { patchSource } from '../tree/patch-source.ts'
import { readTreePatch } from '../tree/read-tree-patch.ts'
import { MAX_FILES, treeDigest, treeFault } from '../tree/tree-file.ts'
import { FRAME_BYTES, type Packing } from '../tree/tree-format.ts'
import { makeFrame } from './make-frame.ts'
import { PACKERS } from './pack.ts'
import { planTree, type PlannedFile, type SourceFile } from './plan-tree.ts'
import type { WorkOptions } from './work.ts'
import { writeIndex, writeTreePatch, type PackedFrame } from './write-tree-patch.ts'

export interface TreePatchOptions extends DifferenceLimits, WorkOptions {
  /** Several cost little more than one: finding what differs is most of the work. */
  packings: readonly Packing[]
  /** A larger one is not made, and no longer held in memory than until that is seen. */
  maxBytes?: number
}

export interface MadeTreePatch {
  packing: Packing
  bytes: Uint8Array
}

export interface MadeTreePatches {
  baseSha256: string
  targetSha256: string
  patches: MadeTreePatch[]
  /** How many files of the target come from where. */
  counts: Record<PlannedFile['kind'], number>
}

type MadeFile = Exclude<PlannedFile, { kind: 'kept' | 'moved' }>

/**
 * Patches §5: from one tree to another, in each packing, each of which was applied to see that it makes the target. Has in
 * memory what comes of it, and for one file at a time what `memoryNeeded` says; a file that would need more is in it whole.
 * @throws Error for files that cannot be a tree, and whatever `signal` was aborted with
 */
export async function makeTreePatch(
  baseFiles: readonly SourceFile[],
  targetFiles: readonly SourceFile[],
  { packings: wanted, maxBytes = Infinity, signal, onProgress, ...limits }: TreePatchOptions,
): Promise<MadeTreePatches> {
  const [base, target] = [baseFiles, targetFiles].map((files) => inTreeOrder(files)) as [SourceFile[], SourceFile[]]
  expectTree(base, 'base')
  expectTree(target, 'target')
  const pause = async () => {
    signal?.throwIfAborted()
    await setImmediate()
  }
  const planned = await planTree(base, target, pause)
  let packings = wanted.map((packing) => ({ packing, frames: [] as PackedFrame[], sizeBytes: 0 }))
  const frameCounts: PackedFrame['stepCounts'][] = []
  const groups = intoFrames(planned.filter(isMade))
  for (const [index, group] of groups.entries()) {
    const share = (done: number) => onProgress?.(((index + done) / groups.length) * 0.95)
    const { content, ...frame } = await makeFrame(group, base, { ...limits, signal, onProgress: share })
    frameCounts.push(frame.stepCounts)
    for (const made of packings) {
      const packed = await PACKERS[made.packing](content)
      made.frames.push({ ...frame, packed })
      made.sizeBytes += packed.length
      await pause()
    }
    packings = packings.filter(({ sizeBytes }) => sizeBytes <= maxBytes)
    if (packings.length === 0) break
  }

  const digests = { baseSha256: await treeDigest(base, nodeSha256), targetSha256: await treeDigest(target, nodeSha256) }
  const patches: MadeTreePatch[] = []
  for (const { packing, frames } of packings) {
    const index = writeIndex(planned, frames)
    const packedIndex = await PACKERS[packing](index)
    const bytes = writeTreePatch({ packing, ...digests, indexBytes: index.length, packedIndex, frames })
    await expectTarget(bytes, { base, target, targetSha256: digests.targetSha256, pause })
    patches.push({ packing, bytes })
  }
  onProgress?.(1)
  return { ...digests, patches, counts: countsOf(planned, frameCounts) }
}

function expectTree(files: readonly SourceFile[], what: string): void {
  if (files.length > MAX_FILES)
    throw new Error(`Expected a ${what} of up to ${MAX_FILES} files, found ${files.length}.`)
  const fault = treeFault(files)
  if (fault !== undefined) throw new Error(`Expected a ${what} with paths that can be, found ${fault}.`)
}

function isMade(planned: PlannedFile): planned is MadeFile {
  return planned.kind === 'new' || planned.kind === 'patched'
}

/** Files that follow each other, as long as they are small enough together. */
function intoFrames(files: readonly MadeFile[]): MadeFile[][] {
  const groups: MadeFile[][] = []
  let left = 0
  for (const planned of files) {
    const { sizeBytes } = planned.file
    if (groups.length === 0 || sizeBytes > left) {
      groups.push([])
      left = FRAME_BYTES
    }
    groups.at(-1)!.push(planned)
    left -= sizeBytes
  }
  return groups
}

/** No patch leaves that does not make what it is for. */
async function expectTarget(
  bytes: Uint8Array,
  {
    base,
    target,
    targetSha256,
    pause,
  }: {
    base: readonly SourceFile[]
    target: readonly SourceFile[]
    targetSha256: string
    pause: () => Promise<void>
  },
): Promise<void> {
  const sum = target.reduce((sizes, { sizeBytes }) => sizes + sizeBytes, 0)
  const patch = await readTreePatch({
    patch: patchSource(bytes),
    base,
    targetSha256,
    sha256: nodeSha256,
    unpacking: nodeUnpacking,
    limits: { maxFileBytes: Infinity, maxTargetBytes: sum },
  })
  const sources = new Map(base.map((file) => [file.path, file]))
  const made = patch.make((file) => sources.get(file.path)!.read())
  while (!(await made.next()).done) await pause()
}

function countsOf(planned: readonly PlannedFile[], stepCounts: readonly PackedFrame['stepCounts'][]) {
  const counts = { kept: 0, moved: 0, new: 0, patched: 0 }
  for (const { kind } of planned) counts[kind] += 1
  // Some that were to be patched have nothing of the base, or would have been too expensive.
  const patched = stepCounts.flat().filter((count) => count !== undefined).length
  counts.new += counts.patched - patched
  counts.patched = patched
  return counts
}
