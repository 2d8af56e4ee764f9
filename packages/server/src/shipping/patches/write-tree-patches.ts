import { open, type FileHandle } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { inflateRaw } from 'node:zlib'
import { makeTreePatch, type SourceFile } from '@hotpatch/delta/make'
import { checkArchive } from '../content/archive/archive-check.ts'
import { readArchiveDirectory, STORED, type ArchiveEntry } from '../content/archive/archive-directory.ts'
import { createHashing } from '../content/archive/hash-files.ts'
import { packedBytesOf, TAKEN_LIMITS } from '../content/archive/taken-archive.ts'
import { keepSmaller } from './keep-smaller.ts'
import { makingRoom } from './making-room.ts'
import type { PatchAnswer, TreePatchQuestion } from './patch-question.ts'

/** Of each side: what is new of it is in memory, packed. */
const MAX_UNPACKED_BYTES = 512 * 1024 * 1024
/** Of a file that is made: devices have memory for no more at a time, and would refuse the patch when they have it. */
const MAX_MADE_FILE_BYTES = 64 * 1024 * 1024
/** Patches §8. */
const MAX_FILES = 20_000

/** Patches §5.1. */
const FORMATS = { brotli: 'hpdelta1-br', deflate: 'hpdelta1-deflate' } as const
const PACKINGS = ['brotli', 'deflate'] as const

const unpack = promisify<Buffer, object, Buffer>(inflateRaw)

/** Content §12 and §8.3: of archives that were taken, in the packings that are wanted. */
export async function writeTreePatches(
  question: TreePatchQuestion,
  signal: AbortSignal,
  { maxMemoryBytes, maxHeldBytes } = makingRoom(),
): Promise<PatchAnswer> {
  await using base = question.base === null ? null : await open(question.base)
  await using target = await open(question.source)
  const before = base && question.base !== null ? await filesOf(base, question.base) : []
  const after = await filesOf(target, question.source)
  if (!before || !after) return { outcome: 'too-large' }
  const atHand = new Set(before.map(({ sha256 }) => sha256))
  const isMade = ({ sha256 }: SourceFile) => !atHand.has(sha256)
  const maxFileBytes = Math.min(MAX_MADE_FILE_BYTES, maxHeldBytes)
  if (after.some((file) => file.sizeBytes > maxFileBytes && isMade(file))) return { outcome: 'too-large' }
  const packings = PACKINGS.filter((packing) => question.targets[FORMATS[packing]] !== undefined)
  const maxBytes = Math.min(question.maxBytes, maxHeldBytes)
  const made = await makeTreePatch(before, after, { packings, maxBytes, maxMemoryBytes, signal })
  const patches = made.patches.map(({ packing, bytes }) => ({ format: FORMATS[packing], bytes }))
  const answer = await keepSmaller(question, patches)
  return answer.outcome === 'made' ? { ...answer, baseTree: made.baseSha256, tree: made.targetSha256 } : answer
}

/** One is in memory at a time. Undefined when they are too many, or too large together. */
async function filesOf(handle: FileHandle, path: string): Promise<SourceFile[] | undefined> {
  const { entries } = await readArchiveDirectory(handle, TAKEN_LIMITS)
  const files = entries.filter(({ isFolder }) => !isFolder)
  const unpackedBytes = files.reduce((sum, entry) => sum + entry.unpackedBytes, 0)
  if (files.length > MAX_FILES || unpackedBytes > MAX_UNPACKED_BYTES) return undefined
  const hashing = createHashing()
  await checkArchive(path, TAKEN_LIMITS, { openFile: () => hashing.open })
  const known = new Map(files.map((entry) => [entry.path, entry]))
  return hashing.files.map((file) => {
    const entry = known.get(file.path)
    if (!entry) throw new Error(`Expected the file "${file.path}" in the directory of its archive, found none.`)
    return { ...file, read: () => readContent(handle, entry) }
  })
}

async function readContent(handle: FileHandle, entry: ArchiveEntry): Promise<Buffer> {
  const packed = await buffer(packedBytesOf(handle, entry))
  if (entry.method === STORED) return packed
  // Nothing is no length that zlib takes.
  return unpack(packed, { maxOutputLength: Math.max(1, entry.unpackedBytes) })
}
