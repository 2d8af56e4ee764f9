import { utf8FromText } from '@hotpatch/protocol'
import { createByteWriter, type ByteWriter } from '../ground/byte-writer.ts'
import { ENTRY, MAGIC, PACKINGS, type Packing } from '../tree/tree-format.ts'
import type { MadeFrame } from './make-frame.ts'
import type { PlannedFile, SourceFile } from './plan-tree.ts'

export interface PackedFrame extends Omit<MadeFrame, 'content'> {
  packed: Uint8Array
}

/** Patches §5.2 and §5.3, before it is packed. */
export function writeIndex(planned: readonly PlannedFile[], frames: readonly PackedFrame[]): Uint8Array {
  const writer = createByteWriter()
  writer.number(frames.length)
  for (const { packed, stepBytes, addedBytes, insertedBytes, stepCounts } of frames) {
    for (const value of [packed.length, stepBytes, addedBytes, insertedBytes, stepCounts.length]) writer.number(value)
  }
  const stepCounts = frames.flatMap((frame) => frame.stepCounts)
  const entries = createByteWriter()
  let count = 0
  let made = 0
  for (let index = 0; index < planned.length; count += 1) {
    const entry = planned[index]!
    const run = runOfKept(planned, index)
    if (entry.kind === 'kept') {
      entries.byte(ENTRY.kept)
      entries.number(entry.base)
      entries.number(run)
    } else if (entry.kind === 'moved') {
      entries.byte(ENTRY.moved)
      entries.number(entry.base)
      writePath(entries, entry.file.path)
    } else {
      const steps = stepCounts[made]
      made += 1
      entries.byte(entry.kind === 'patched' && steps !== undefined ? ENTRY.patched : ENTRY.new)
      writeFile(entries, entry.file)
      if (entry.kind === 'patched' && steps !== undefined) {
        entries.number(entry.base)
        entries.number(steps)
      }
    }
    index += run
  }
  writer.number(count)
  writer.bytes(entries.all())
  return writer.all()
}

/** How many entries from here on are one: files that are kept and follow each other in the base, too. */
function runOfKept(planned: readonly PlannedFile[], from: number): number {
  const first = planned[from]!
  if (first.kind !== 'kept') return 1
  let run = 1
  for (; ; run += 1) {
    const next = planned[from + run]
    if (next?.kind !== 'kept' || next.base !== first.base + run) return run
  }
}

function writeFile(writer: ByteWriter, { path, sizeBytes, sha256 }: SourceFile): void {
  writePath(writer, path)
  writer.number(sizeBytes)
  writer.bytes(Buffer.from(sha256, 'hex'))
}

function writePath(writer: ByteWriter, path: string): void {
  const bytes = utf8FromText(path)
  writer.number(bytes.length)
  writer.bytes(bytes)
}

export interface TreeParts {
  packing: Packing
  baseSha256: string
  targetSha256: string
  indexBytes: number
  packedIndex: Uint8Array
  frames: readonly PackedFrame[]
}

/** Patches §5.1. */
export function writeTreePatch({ packing, baseSha256, targetSha256, indexBytes, packedIndex, frames }: TreeParts) {
  const sizes = Buffer.alloc(8)
  sizes.writeUInt32LE(indexBytes, 0)
  sizes.writeUInt32LE(packedIndex.length, 4)
  return Buffer.concat([
    Buffer.from(MAGIC, 'latin1'),
    Buffer.of(PACKINGS[packing]),
    Buffer.from(baseSha256, 'hex'),
    Buffer.from(targetSha256, 'hex'),
    sizes,
    packedIndex,
    ...frames.map(({ packed }) => packed),
  ])
}
