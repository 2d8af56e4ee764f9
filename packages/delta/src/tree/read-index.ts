import { comparePaths, hexFromBytes, MAX_FILE_PATH_BYTES, type TreeFile, textFromUtf8 } from '@hotpatch/protocol'
import { createByteReader, type ByteReader } from '../ground/byte-reader.ts'
import { damaged, PatchError } from '../ground/patch-error.ts'
import { MAX_FILES, treeFault } from './tree-file.ts'
import { DIGEST_BYTES, ENTRY } from './tree-format.ts'

/** A file of the target, and what comes to be it. */
export type PatchedFile = TreeFile & { from: FileOrigin }

export type FileOrigin =
  /** The same bytes: at the same path, or at another one. */
  { kind: 'kept' | 'moved'; base: TreeFile } | { kind: 'patched'; base: TreeFile; steps: number } | { kind: 'new' }

export interface Frame {
  packedBytes: number
  stepBytes: number
  addedBytes: number
  insertedBytes: number
  /** How many of the files that are new or patched, in their order. */
  fileCount: number
}

export interface TreeIndex {
  frames: readonly Frame[]
  files: readonly PatchedFile[]
}

export interface TreeLimits {
  /** Of one file that is made, and of one frame. */
  maxFileBytes: number
  /** Of all files of the target. */
  maxTargetBytes: number
}

/** `base` in the order of paths. */
export function readIndex(bytes: Uint8Array, base: readonly TreeFile[], limits: TreeLimits): TreeIndex {
  const reader = createByteReader(bytes, 'the index')
  const frames = readList(reader, 'frames', () => readFrame(reader))
  const files = readFiles(reader, base)
  reader.end()
  expectTree(files, limits)
  expectFrames(frames, files, limits)
  return { frames, files }
}

function readList<Item>(reader: ByteReader, what: string, read: () => Item): Item[] {
  const count = reader.number()
  if (count > MAX_FILES) throw damaged(`Expected up to ${MAX_FILES} ${what}, found ${count}.`)
  const items: Item[] = []
  for (let index = 0; index < count; index += 1) items.push(read())
  return items
}

/** One entry can stand for all files of the base: they are counted before there are as many as all entries together say. */
function readFiles(reader: ByteReader, base: readonly TreeFile[]): PatchedFile[] {
  const files: PatchedFile[] = []
  readList(reader, 'entries', () => {
    const read = readEntry(reader, base)
    if (files.length + read.length > MAX_FILES) {
      throw damaged(`Expected up to ${MAX_FILES} files, found ${files.length + read.length}.`)
    }
    files.push(...read)
  })
  return files
}

function readFrame(reader: ByteReader): Frame {
  const [packedBytes, stepBytes, addedBytes, insertedBytes, fileCount] = [0, 1, 2, 3, 4].map(() => reader.number())
  return {
    packedBytes: packedBytes!,
    stepBytes: stepBytes!,
    addedBytes: addedBytes!,
    insertedBytes: insertedBytes!,
    fileCount: fileCount!,
  }
}

function readEntry(reader: ByteReader, base: readonly TreeFile[]): PatchedFile[] {
  const kind = reader.byte()
  switch (kind) {
    case ENTRY.kept: {
      const from = reader.number()
      const count = reader.number()
      if (count === 0 || from + count > base.length) {
        throw damaged(`Expected some of ${base.length} files of the base, found ${count} from ${from} on.`)
      }
      return base.slice(from, from + count).map((file) => ({ ...file, from: { kind: 'kept', base: file } }))
    }
    case ENTRY.moved: {
      const file = readBase(reader, base)
      return [{ ...file, path: readPath(reader), from: { kind: 'moved', base: file } }]
    }
    case ENTRY.new:
      return [{ ...readFile(reader), from: { kind: 'new' } }]
    case ENTRY.patched: {
      const file = readFile(reader)
      return [{ ...file, from: { kind: 'patched', base: readBase(reader, base), steps: reader.number() } }]
    }
    default:
      throw damaged(`Expected an entry of a kind from 0 to 3, found ${kind}.`)
  }
}

function readBase(reader: ByteReader, base: readonly TreeFile[]): TreeFile {
  const number = reader.number()
  const file = base[number]
  if (!file) throw damaged(`Expected one of ${base.length} files of the base, found number ${number}.`)
  return file
}

function readFile(reader: ByteReader): TreeFile {
  const path = readPath(reader)
  return { path, sizeBytes: reader.number(), sha256: hexFromBytes(reader.take(DIGEST_BYTES)) }
}

function readPath(reader: ByteReader): string {
  const length = reader.number()
  if (length > MAX_FILE_PATH_BYTES)
    throw damaged(`Expected a path of up to ${MAX_FILE_PATH_BYTES} bytes, found ${length}.`)
  const path = textFromUtf8(reader.take(length))
  if (path === undefined) throw damaged('Expected a path in UTF-8, found other bytes.')
  return path
}

function expectTree(files: readonly PatchedFile[], { maxFileBytes, maxTargetBytes }: TreeLimits): void {
  let sum = 0
  for (const [index, file] of files.entries()) {
    const before = files[index - 1]
    if (before && comparePaths(before, file) >= 0) {
      throw damaged(
        `Expected paths in their order, found ${JSON.stringify(file.path)} after ${JSON.stringify(before.path)}.`,
      )
    }
    if (isMade(file) && file.sizeBytes > maxFileBytes) throw tooLarge(file.sizeBytes, maxFileBytes, 'a file')
    sum += file.sizeBytes
  }
  if (sum > maxTargetBytes) throw tooLarge(sum, maxTargetBytes, 'files')
  const fault = treeFault(files)
  if (fault !== undefined) throw damaged(`Expected harmless paths, found ${fault}.`)
}

/** What is unpacked is exactly what the files take, so that their limits are the limits of all. */
function expectFrames(frames: readonly Frame[], files: readonly PatchedFile[], { maxFileBytes }: TreeLimits): void {
  const made = files.filter(isMade)
  let at = 0
  for (const { packedBytes, addedBytes, insertedBytes, stepBytes, fileCount } of frames) {
    const held = made.slice(at, at + fileCount)
    at += fileCount
    const sum = held.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0)
    const steps = held.reduce((count, { from }) => count + (from.kind === 'patched' ? from.steps : 0), 0)
    if (held.length === 0 || held.length !== fileCount || addedBytes + insertedBytes !== sum) {
      throw damaged(
        `Expected frames that hold the files, found one of ${fileCount} files and ${addedBytes + insertedBytes} bytes.`,
      )
    }
    // A step makes a byte at least, but for one in each file, and has three numbers of a byte to eight.
    if (steps > sum + held.length || stepBytes < 3 * steps || stepBytes > 24 * steps) {
      throw damaged(`Expected steps that ${sum} bytes may need, found ${steps} in ${stepBytes} bytes.`)
    }
    const unpackedBytes = stepBytes + sum
    // It is read as a whole, packed and unpacked, however many small files somebody has put into one.
    if (unpackedBytes > maxFileBytes) throw tooLarge(unpackedBytes, maxFileBytes, 'a frame')
    // What cannot be packed grows by less.
    if (packedBytes > unpackedBytes + (unpackedBytes >> 8) + 64) {
      throw damaged(`Expected ${unpackedBytes} bytes to be packed, found ${packedBytes} for them.`)
    }
  }
  if (at !== made.length) throw damaged(`Expected frames for ${made.length} files, found them for ${at}.`)
}

export function isMade({ from }: PatchedFile): boolean {
  return from.kind === 'new' || from.kind === 'patched'
}

function tooLarge(found: number, limit: number, what: string): PatchError {
  return new PatchError('patch-too-large', `Expected ${what} of up to ${limit} bytes, found ${found}.`)
}
