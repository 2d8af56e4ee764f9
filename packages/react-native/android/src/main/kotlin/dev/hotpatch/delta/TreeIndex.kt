package dev.hotpatch.delta

import dev.hotpatch.protocol.TreeFile

/** What comes to be a file of the target. */
sealed class FileOrigin {
  /** The same bytes as a file of the base: at the same path, or at another one. */
  class Same(val base: TreeFile) : FileOrigin()

  class Patched(val base: TreeFile, internal val steps: Long) : FileOrigin()

  object New : FileOrigin()
}

/** A file of the target, and what comes to be it. */
class PatchedFile(val file: TreeFile, val from: FileOrigin) {
  internal val isMade: Boolean get() = from !is FileOrigin.Same
}

/** @property fileCount how many of the files that are new or patched, in their order */
internal class Frame(
  val packedBytes: Long,
  val stepBytes: Long,
  val addedBytes: Long,
  val insertedBytes: Long,
  val fileCount: Long,
)

internal class TreeIndex(val frames: List<Frame>, val files: List<PatchedFile>)

/**
 * @property maxFileBytes of one file that is made, and of one frame
 * @property maxTargetBytes of all files of the target
 */
class TreeLimits(val maxFileBytes: Int, val maxTargetBytes: Long)
