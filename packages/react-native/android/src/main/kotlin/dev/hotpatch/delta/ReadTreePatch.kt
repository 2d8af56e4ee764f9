package dev.hotpatch.delta

import dev.hotpatch.protocol.PATH_ORDER
import dev.hotpatch.protocol.TreeFile

/* Patches §5. */
private const val MAGIC = "HPDELTA1"
private const val HEADER_BYTES = 8 + 1 + 2 * DIGEST_BYTES + 2 * 4

/** A longer list of files is no release's. */
private const val MAX_INDEX_BYTES = 16 * 1024 * 1024

class TreePatchInput(
  val patch: PatchSource,
  /** All files of the release that the device has. */
  val base: List<TreeFile>,
  /** Of the release that is announced. */
  val targetSha256: String,
  val sha256: Sha256,
  val unpacking: Unpacking,
  val limits: TreeLimits,
)

private class Header(
  val packing: Packing,
  val baseSha256: String,
  val targetSha256: String,
  val indexBytes: Int,
  val packedIndexBytes: Int,
)

class TreePatch internal constructor(
  private val input: TreePatchInput,
  val packing: Packing,
  private val index: TreeIndex,
  private val framesAt: Long,
) {
  /** The whole target, in the order of paths. What is kept or moved is the caller's to take from the base. */
  val files: List<PatchedFile> get() = index.files

  /**
   * All files that are new or patched, in order, each held against its digest before it is handed out. Has one frame in
   * memory at a time, one file of the base, and the file.
   *
   * @throws PatchException
   */
  fun make(readBase: (TreeFile) -> ByteArray, take: (PatchedFile, ByteArray) -> Unit) {
    val made = index.files.filter { it.isMade }
    var at = framesAt
    var next = 0
    for (frame in index.frames) {
      val content = readFrame(frame, at)
      at += frame.packedBytes
      for (file in made.subList(next, next + frame.fileCount.toInt())) take(file, makeFile(content, file, readBase))
      next += frame.fileCount.toInt()
      content.end()
    }
  }

  /** Everything it says of sizes is within the limits: the index was judged. */
  private fun readFrame(frame: Frame, at: Long): FrameContent {
    val (stepBytes, addedBytes) = frame.stepBytes.toInt() to frame.addedBytes.toInt()
    val packed = readPiece(input.patch, at, frame.packedBytes.toInt())
    val bytes = input.unpacking.unpack(packing, packed, stepBytes + addedBytes + frame.insertedBytes.toInt())
    return FrameContent(
      steps = ByteReader(bytes, 0, stepBytes, "the steps"),
      added = ByteReader(bytes, stepBytes, stepBytes + addedBytes, "what is added"),
      inserted = ByteReader(bytes, stepBytes + addedBytes, bytes.size, "what is inserted"),
    )
  }

  private fun makeFile(content: FrameContent, made: PatchedFile, readBase: (TreeFile) -> ByteArray): ByteArray {
    val sizeBytes = made.file.sizeBytes.toInt()
    val bytes = if (made.from is FileOrigin.Patched) {
      val base = readBase(made.from.base)
      // The usual reason, and another one than a patch that does not fit.
      expectDigest(input.sha256, base, made.from.base.sha256, PatchErrorCode.BASE_DIFFERS)
      makePatchedFile(content, base, sizeBytes, made.from.steps)
    } else {
      makeNewFile(content, sizeBytes)
    }
    expectDigest(input.sha256, bytes, made.file.sha256, PatchErrorCode.RESULT_DIFFERS)
    return bytes
  }
}

/**
 * Patches §5: what a patch makes of a base. Whatever its bytes are, no file is handed out that is not the announced one's.
 * @throws PatchException
 */
fun readTreePatch(input: TreePatchInput): TreePatch {
  val header = readHeader(readPiece(input.patch, 0, HEADER_BYTES))
  val base = input.base.sortedWith(PATH_ORDER)
  expectTreeDigest(header.baseSha256, treeDigest(base, input.sha256), PatchErrorCode.BASE_DIFFERS)
  expectTreeDigest(header.targetSha256, input.targetSha256, PatchErrorCode.RESULT_DIFFERS)
  val packed = readPiece(input.patch, HEADER_BYTES.toLong(), header.packedIndexBytes)
  val index = readIndex(input.unpacking.unpack(header.packing, packed, header.indexBytes), base, input.limits)
  // The digest of the list stands for every digest in it.
  val target = treeDigest(index.files.map { it.file }, input.sha256)
  expectTreeDigest(header.targetSha256, target, PatchErrorCode.RESULT_DIFFERS)
  val framesAt = HEADER_BYTES.toLong() + header.packedIndexBytes
  val end = framesAt + index.frames.sumOf { it.packedBytes }
  if (end != input.patch.sizeBytes) throw damaged("Expected a patch of $end bytes, found one of ${input.patch.sizeBytes}.")
  return TreePatch(input, header.packing, index, framesAt)
}

private fun readHeader(bytes: ByteArray): Header {
  val reader = ByteReader(bytes, "the header")
  if (reader.text(MAGIC.length) != MAGIC) throw damaged("Expected a patch that begins with $MAGIC, found something else.")
  val packing = readPacking(reader.byte())
  val (baseSha256, targetSha256) = reader.hex(DIGEST_BYTES) to reader.hex(DIGEST_BYTES)
  val (indexBytes, packedIndexBytes) = readSize(reader) to readSize(reader)
  val largest = maxOf(indexBytes, packedIndexBytes)
  if (largest > MAX_INDEX_BYTES) {
    val message = "Expected an index of up to $MAX_INDEX_BYTES bytes, found $largest."
    throw PatchException(PatchErrorCode.PATCH_TOO_LARGE, message)
  }
  return Header(packing, baseSha256, targetSha256, indexBytes.toInt(), packedIndexBytes.toInt())
}

/** Four bytes, the lowest first. */
private fun readSize(reader: ByteReader): Long {
  var size = 0L
  for (shift in 0..24 step 8) size = size or (reader.byte().toLong() shl shift)
  return size
}

private fun expectTreeDigest(stated: String, found: String, code: PatchErrorCode) {
  if (stated == found) return
  val what = if (code == PatchErrorCode.BASE_DIFFERS) "from the tree" else "to the tree"
  throw PatchException(code, "Expected a patch $what $found, found one $what $stated.")
}
