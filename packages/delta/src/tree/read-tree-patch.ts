import { hexFromBytes, inTreeOrder, type TreeFile } from '@hotpatch/protocol'
import { createByteReader } from '../ground/byte-reader.ts'
import { expectDigest, type Sha256 } from '../ground/digest.ts'
import { damaged, PatchError } from '../ground/patch-error.ts'
import { makeNewFile, makePatchedFile, type FrameContent } from './make-file.ts'
import { readPiece, type PatchSource } from './patch-source.ts'
import { isMade, readIndex, type Frame, type PatchedFile, type TreeLimits } from './read-index.ts'
import { treeDigest } from './tree-file.ts'
import { DIGEST_BYTES, HEADER_BYTES, MAGIC, MAX_INDEX_BYTES, type Packing } from './tree-format.ts'
import { readPacking, unpack, type Unpacking } from './unpack.ts'

export interface TreePatchInput {
  patch: PatchSource
  /** All files of the release that the device has. */
  base: readonly TreeFile[]
  /** Of the release that is announced. */
  targetSha256: string
  sha256: Sha256
  unpacking: Unpacking
  limits: TreeLimits
}

export interface MadeFile {
  file: PatchedFile
  bytes: Uint8Array
}

export interface TreePatch {
  packing: Packing
  /** The whole target, in the order of paths. What is kept or moved is the caller's to take from the base. */
  files: readonly PatchedFile[]
  /**
   * All files that are new or patched, in order, each held against its digest before it is handed out. Has one frame in
   * memory at a time, one file of the base, and the file.
   */
  make(readBase: (file: TreeFile) => Uint8Array | Promise<Uint8Array>): AsyncGenerator<MadeFile, void>
}

interface Header {
  packing: Packing
  baseSha256: string
  targetSha256: string
  indexBytes: number
  packedIndexBytes: number
}

/**
 * Patches §5: what a patch makes of a base. Whatever its bytes are, no file is handed out that is not the announced one's.
 * @throws PatchError
 */
export async function readTreePatch(input: TreePatchInput): Promise<TreePatch> {
  const { patch, sha256, unpacking } = input
  const { packing, indexBytes, packedIndexBytes, ...header } = readHeader(await readPiece(patch, 0, HEADER_BYTES))
  const base = inTreeOrder(input.base)
  expectTreeDigest(header.baseSha256, await treeDigest(base, sha256), 'base-differs')
  expectTreeDigest(header.targetSha256, input.targetSha256, 'result-differs')

  const packed = await readPiece(patch, HEADER_BYTES, packedIndexBytes)
  const index = readIndex(await unpack(unpacking, { packing, packed, sizeBytes: indexBytes }), base, input.limits)
  // The digest of the list stands for every digest in it.
  expectTreeDigest(header.targetSha256, await treeDigest(index.files, sha256), 'result-differs')
  const framesAt = HEADER_BYTES + packedIndexBytes
  const end = index.frames.reduce((sum, { packedBytes }) => sum + packedBytes, framesAt)
  if (end !== patch.sizeBytes) throw damaged(`Expected a patch of ${end} bytes, found one of ${patch.sizeBytes}.`)

  async function* make(readBase: (file: TreeFile) => Uint8Array | Promise<Uint8Array>): AsyncGenerator<MadeFile, void> {
    const made = index.files.filter(isMade)
    let [at, next] = [framesAt, 0]
    for (const frame of index.frames) {
      const content = await readFrame(frame, at)
      at += frame.packedBytes
      for (const file of made.slice(next, next + frame.fileCount)) {
        yield { file, bytes: await makeFile(content, file, readBase) }
      }
      next += frame.fileCount
      for (const stream of [content.steps, content.added, content.inserted]) stream.end()
    }
  }

  async function readFrame(
    { packedBytes, stepBytes, addedBytes, insertedBytes }: Frame,
    at: number,
  ): Promise<FrameContent> {
    const sizeBytes = stepBytes + addedBytes + insertedBytes
    const bytes = await unpack(unpacking, { packing, packed: await readPiece(patch, at, packedBytes), sizeBytes })
    return {
      steps: createByteReader(bytes.subarray(0, stepBytes), 'the steps'),
      added: createByteReader(bytes.subarray(stepBytes, stepBytes + addedBytes), 'what is added'),
      inserted: createByteReader(bytes.subarray(stepBytes + addedBytes), 'what is inserted'),
    }
  }

  async function makeFile(
    content: FrameContent,
    { from, sizeBytes, sha256: expected }: PatchedFile,
    readBase: (file: TreeFile) => Uint8Array | Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    if (from.kind !== 'patched') {
      const bytes = makeNewFile(content, sizeBytes)
      await expectDigest(sha256, bytes, { sha256: expected, code: 'result-differs' })
      return bytes
    }
    const base = await readBase(from.base)
    // The usual reason, and another one than a patch that does not fit.
    await expectDigest(sha256, base, { sha256: from.base.sha256, code: 'base-differs' })
    const bytes = makePatchedFile(content, base, { sizeBytes, stepCount: from.steps })
    await expectDigest(sha256, bytes, { sha256: expected, code: 'result-differs' })
    return bytes
  }

  return { packing, files: index.files, make }
}

function readHeader(bytes: Uint8Array): Header {
  const reader = createByteReader(bytes, 'the header')
  if (String.fromCharCode(...reader.take(MAGIC.length)) !== MAGIC) {
    throw damaged(`Expected a patch that begins with ${MAGIC}, found something else.`)
  }
  const header = {
    packing: readPacking(reader.byte()),
    baseSha256: hexFromBytes(reader.take(DIGEST_BYTES)),
    targetSha256: hexFromBytes(reader.take(DIGEST_BYTES)),
    indexBytes: readSize(reader.take(4)),
    packedIndexBytes: readSize(reader.take(4)),
  }
  const largest = Math.max(header.indexBytes, header.packedIndexBytes)
  if (largest > MAX_INDEX_BYTES) {
    throw new PatchError('patch-too-large', `Expected an index of up to ${MAX_INDEX_BYTES} bytes, found ${largest}.`)
  }
  return header
}

/** Four bytes, the lowest first. */
function readSize(bytes: Uint8Array): number {
  return bytes.reduceRight((size, byte) => size * 256 + byte, 0)
}

function expectTreeDigest(stated: string, found: string, code: 'base-differs' | 'result-differs'): void {
  if (stated === found) return
  const what = code === 'base-differs' ? 'from the tree' : 'to the tree'
  throw new PatchError(code, `Expected a patch ${what} ${found}, found one ${what} ${stated}.`)
}
