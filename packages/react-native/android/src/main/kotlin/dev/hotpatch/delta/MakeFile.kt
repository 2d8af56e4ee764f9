package dev.hotpatch.delta

/** What a frame holds: three streams that its files share one after the other. */
internal class FrameContent(val steps: ByteReader, val added: ByteReader, val inserted: ByteReader) {
  fun end() {
    steps.end()
    added.end()
    inserted.end()
  }
}

/** Patches §5.4. */
internal fun makeNewFile(content: FrameContent, sizeBytes: Int): ByteArray =
  ByteArray(sizeBytes).also { content.inserted.copy(sizeBytes.toLong(), it, 0) }

/** Patches §5.4. Strict, other than bspatch: what a step takes of the base is within it. */
internal fun makePatchedFile(content: FrameContent, base: ByteArray, sizeBytes: Int, stepCount: Long): ByteArray {
  val target = ByteArray(sizeBytes)
  var at = 0
  var position = 0L
  for (step in 0 until stepCount) {
    val added = content.steps.number()
    val inserted = content.steps.number()
    val jump = content.steps.number()
    if (added + inserted > sizeBytes - at) {
      throw damaged("Expected a step within ${sizeBytes - at} bytes, found one of $added and $inserted.")
    }
    if (added > 0) {
      if (position < 0 || added > base.size - position) {
        throw damaged("Expected a step within ${base.size} bytes of the base, found $added from $position on.")
      }
      content.added.add(added.toInt(), base, position.toInt(), target, at)
    }
    content.inserted.copy(inserted, target, at + added.toInt())
    at += (added + inserted).toInt()
    // Even ones go forward.
    position += added + if (jump and 1L == 0L) jump / 2 else -(jump + 1) / 2
  }
  if (at != sizeBytes) throw damaged("Expected steps for $sizeBytes bytes, found them for $at.")
  return target
}
