package dev.hotpatch.delta

import dev.hotpatch.protocol.comparePaths

/** Twenty thousand numbers below 2^53 are more than 64 bits hold. */
private const val LARGEST_SUM = 1L shl 53

internal fun expectTree(files: List<PatchedFile>, limits: TreeLimits) {
  var sum = 0L
  for ((index, each) in files.withIndex()) {
    val (path, sizeBytes) = each.file
    val before = if (index > 0) files[index - 1].file.path else null
    if (before != null && comparePaths(before, path) >= 0) {
      throw damaged("Expected paths in their order, found \"$path\" after \"$before\".")
    }
    if (each.isMade && sizeBytes > limits.maxFileBytes) throw tooLarge(sizeBytes, limits.maxFileBytes.toLong(), "a file")
    sum = minOf(sum + sizeBytes, LARGEST_SUM)
  }
  if (sum > limits.maxTargetBytes) throw tooLarge(sum, limits.maxTargetBytes, "files")
  treeFault(files.map { it.file.path })?.let { throw damaged("Expected harmless paths, found $it.") }
}

/** What is unpacked is exactly what the files take, so that their limits are the limits of all. */
internal fun expectFrames(frames: List<Frame>, files: List<PatchedFile>, limits: TreeLimits) {
  val made = files.filter { it.isMade }
  var at = 0
  for (frame in frames) {
    val held = made.subList(at, minOf(at + frame.fileCount, made.size.toLong()).toInt())
    at += held.size
    expectFrame(frame, held, limits)
  }
  if (at != made.size) throw damaged("Expected frames for ${made.size} files, found them for $at.")
}

private fun expectFrame(frame: Frame, held: List<PatchedFile>, limits: TreeLimits) {
  var sum = 0L
  var steps = 0L
  for (each in held) {
    sum += each.file.sizeBytes
    if (each.from is FileOrigin.Patched) steps = minOf(steps + each.from.steps, LARGEST_SUM)
  }
  val contentBytes = frame.addedBytes + frame.insertedBytes
  if (held.isEmpty() || held.size.toLong() != frame.fileCount || contentBytes != sum) {
    throw damaged("Expected frames that hold the files, found one of ${frame.fileCount} files and $contentBytes bytes.")
  }
  // A step makes a byte at least, but for one in each file, and has three numbers of a byte to eight.
  if (steps > sum + held.size || frame.stepBytes < 3 * steps || frame.stepBytes > 24 * steps) {
    throw damaged("Expected steps that $sum bytes may need, found $steps in ${frame.stepBytes} bytes.")
  }
  val unpackedBytes = frame.stepBytes + sum
  // It is read as a whole, packed and unpacked, however many small files somebody has put into one.
  if (unpackedBytes > limits.maxFileBytes) throw tooLarge(unpackedBytes, limits.maxFileBytes.toLong(), "a frame")
  // What cannot be packed grows by less.
  if (frame.packedBytes > unpackedBytes + (unpackedBytes shr 8) + 64) {
    throw damaged("Expected $unpackedBytes bytes to be packed, found ${frame.packedBytes} for them.")
  }
}

private fun tooLarge(found: Long, limit: Long, what: String) =
  PatchException(PatchErrorCode.PATCH_TOO_LARGE, "Expected $what of up to $limit bytes, found $found.")
