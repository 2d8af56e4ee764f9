package dev.hotpatch.engine.patch

import dev.hotpatch.delta.PatchErrorCode
import dev.hotpatch.delta.PatchException
import dev.hotpatch.delta.treeDigest
import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.server.PatchOffer
import dev.hotpatch.engine.state.ReleaseFile
import dev.hotpatch.engine.state.Slot
import dev.hotpatch.engine.state.readTree
import dev.hotpatch.protocol.EMPTY_TREE

/** What is on this device and a release is made of: another one, or what the binary shipped with; or nothing at all. */
class PatchBase(
  val isEmbedded: Boolean,
  val files: List<ReleaseFile>,
  val readRange: (path: String, offset: Long, length: Int) -> ByteArray,
)

private val NOTHING = PatchBase(false, emptyList()) { _, _, _ -> ByteArray(0) }

/**
 * `expectedTree` is what the release is by its statement, or by the answer alone where no keys are.
 * @throws PatchException
 */
internal fun findBaseHere(
  patch: PatchOffer,
  expectedTree: String?,
  bundleBytes: Long,
  ports: Ports,
  limits: Limits,
): PatchBase {
  if (patch.tree != expectedTree) {
    val expected = "a patch to the tree that the release states, ${expectedTree ?: "none"}"
    throw PatchException(PatchErrorCode.RESULT_DIFFERS, "Expected $expected, found ${patch.tree}.")
  }
  if (patch.sizeBytes >= bundleBytes) {
    val expected = "less than the $bundleBytes bytes of the bundle"
    throw PatchException(PatchErrorCode.PATCH_TOO_LARGE, "Expected $expected, found ${patch.sizeBytes}.")
  }
  // A packed release: all of its files are in it.
  if (patch.baseTree == EMPTY_TREE) return NOTHING
  return findRelease(patch.baseTree, ports) ?: findEmbedded(patch.baseTree, ports, limits) ?: throw PatchException(
    PatchErrorCode.BASE_DIFFERS,
    "Expected a patch from what lies here, found one from ${patch.baseTree}.",
  )
}

private fun findRelease(baseTree: String, ports: Ports): PatchBase? {
  for (root in listOf(Slot.BUNDLE.path, Slot.PREVIOUS.path)) {
    val base = readTree(ports.files, root)?.files ?: continue
    if (treeDigest(base, ports.crypto::sha256) != baseTree) continue
    return PatchBase(false, base) { path, offset, length -> ports.files.readRange("$root/$path", offset, length) }
  }
  return null
}

private fun findEmbedded(baseTree: String, ports: Ports, limits: Limits): PatchBase? {
  val embedded = findEmbeddedTree(ports, limits)?.takeIf { it.tree == baseTree } ?: return null
  return ports.embeddedFiles?.let { PatchBase(true, embedded.files, it::readRange) }
}
