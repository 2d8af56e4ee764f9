package dev.hotpatch.engine.patch

import dev.hotpatch.delta.FileOrigin
import dev.hotpatch.delta.PatchErrorCode
import dev.hotpatch.delta.PatchException
import dev.hotpatch.delta.PatchSource
import dev.hotpatch.delta.PatchedFile
import dev.hotpatch.delta.TreeLimits
import dev.hotpatch.delta.TreePatchInput
import dev.hotpatch.delta.readTreePatch
import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.expectRoom
import dev.hotpatch.engine.install.Installation
import dev.hotpatch.engine.install.takeTree
import dev.hotpatch.engine.state.PENDING_TREE
import dev.hotpatch.engine.state.ReleaseMarker
import dev.hotpatch.protocol.utf8Length

/**
 * Patches §5.5: the list of files is the announced one, by its digest, before anything is written; then every file is
 * held against it, and made durable.
 * @throws PatchException
 */
internal fun installPatch(installation: Installation, base: PatchBase, tree: String) {
  val (ports, limits) = installation.ports to installation.limits
  val files = ports.files
  val patch = readTreePatch(
    TreePatchInput(
      patch = sourceOf(installation),
      base = base.files,
      targetSha256 = tree,
      sha256 = ports.crypto::sha256,
      unpacking = createUnpacking(ports, limits),
      limits = TreeLimits(limits.patchPieceBytes, limits.unpackedBytes),
    ),
  )
  expectWithinLimits(patch.files, limits)
  expectRoom(files, patch.files.sumOf { it.file.sizeBytes }, "what comes of the patch")
  files.remove(PENDING_TREE)
  files.makeDirectory(PENDING_TREE)
  val folders = patch.files.mapTo(LinkedHashSet()) { placeOf(it).substringBeforeLast('/') }
  folders.forEach(files::makeDirectory)
  for (file in patch.files) takeFromBase(ports, base, file)
  patch.make({ file -> readBase(base, file.path, file.sizeBytes, limits) }) { made, bytes ->
    files.write(placeOf(made), bytes)
  }
  takeTree(files, ReleaseMarker(installation.release, patch.files.map { it.file }), installation.makeWay)
}

private fun sourceOf(installation: Installation) = object : PatchSource {
  override val sizeBytes = installation.download.sizeBytes

  override fun read(offset: Long, length: Int): ByteArray =
    installation.ports.files.readRange(installation.download.path, offset, length)
}

private fun readBase(base: PatchBase, path: String, sizeBytes: Long, limits: Limits): ByteArray {
  if (sizeBytes > limits.patchPieceBytes) throw tooLarge("a base of up to ${limits.patchPieceBytes} bytes", sizeBytes)
  // What cannot be read is not what the patch is for; the reader sees it.
  return runCatching { base.readRange(path, 0, sizeBytes.toInt()) }.getOrDefault(ByteArray(0))
}

private fun takeFromBase(ports: Ports, base: PatchBase, file: PatchedFile) {
  val path = (file.from as? FileOrigin.Same)?.base?.path ?: return
  val isTaken = copyRead(ports, file.file, placeOf(file)) { offset, length -> base.readRange(path, offset, length) }
  if (isTaken) return
  throw PatchException(PatchErrorCode.BASE_DIFFERS, "Expected $path as it was, found something else.")
}

/** Of what the device takes in any other way, too. */
private fun expectWithinLimits(files: List<PatchedFile>, limits: Limits) {
  if (files.size > limits.fileCount) throw tooLarge("up to ${limits.fileCount} files", files.size.toLong())
  for (each in files) {
    val length = utf8Length(each.file.path)
    if (length > limits.pathBytes) throw tooLarge("paths of up to ${limits.pathBytes} bytes", length.toLong())
  }
}

private fun tooLarge(expected: String, found: Long) =
  PatchException(PatchErrorCode.PATCH_TOO_LARGE, "Expected $expected, found $found.")

private fun placeOf(file: PatchedFile): String = "$PENDING_TREE/${file.file.path}"
