package dev.hotpatch.engine.patch

import dev.hotpatch.delta.PatchErrorCode
import dev.hotpatch.delta.PatchException
import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.asUpdateError
import dev.hotpatch.engine.ground.isFinalStatus
import dev.hotpatch.engine.install.Installation
import dev.hotpatch.engine.server.PatchFormat
import dev.hotpatch.engine.server.PatchOffer
import dev.hotpatch.protocol.SdkCode

/** Releases that are made of what is on the device already. */
interface Patcher {
  /** What can be unpacked here, the best first. */
  fun formats(ports: Ports): List<PatchFormat>

  /** What the binary shipped with, where it can be a base. */
  fun findEmbedded(ports: Ports, limits: Limits): EmbeddedTree?

  /**
   * Whether a patch can be one for what lies here, before a byte of it is fetched. `expectedTree` is what the release is by
   * its statement, or by the answer alone where no keys are.
   * @throws PatchException
   */
  fun findBase(patch: PatchOffer, expectedTree: String?, bundleBytes: Long, ports: Ports, limits: Limits): PatchBase

  /**
   * Makes ota/pending/files out of the verified patch, as installers do.
   * @throws PatchException
   */
  fun install(patch: PatchOffer, base: PatchBase, installation: Installation)

  fun judge(cause: Throwable): PatchFault
}

class PatchFault(
  val reason: String,
  val error: Throwable,
  /** The same patch would fail again. */
  val isFinal: Boolean,
  /** The disk's doing: the whole bundle tells of it, if it has the same trouble. */
  val isOfDisk: Boolean,
)

object TreePatcher : Patcher {
  override fun formats(ports: Ports): List<PatchFormat> =
    PatchFormat.entries.filter { it != PatchFormat.BROTLI || ports.unpackBrotli != null }

  override fun findEmbedded(ports: Ports, limits: Limits): EmbeddedTree? = findEmbeddedTree(ports, limits)

  override fun findBase(
    patch: PatchOffer,
    expectedTree: String?,
    bundleBytes: Long,
    ports: Ports,
    limits: Limits,
  ): PatchBase {
    if (patch.format in formats(ports)) {
      return findBaseHere(patch, expectedTree, bundleBytes, ports, limits)
    }
    val message = "Expected a patch that can be unpacked here, found ${patch.format.text}."
    throw PatchException(PatchErrorCode.PACKING_UNSUPPORTED, message)
  }

  override fun install(patch: PatchOffer, base: PatchBase, installation: Installation) {
    try {
      installPatch(installation, base, patch.tree)
    } catch (error: PatchException) {
      if (base.isEmbedded && error.code == PatchErrorCode.BASE_DIFFERS) forgetEmbeddedTree(installation.ports)
      throw error
    }
  }

  override fun judge(cause: Throwable): PatchFault {
    if (cause is PatchException) return PatchFault(cause.code.text, cause, isFinal = true, isOfDisk = false)
    val error = asUpdateError(cause)
    val isOfDisk = error.code == SdkCode.STORAGE_FULL || error.code == SdkCode.STORAGE_FAILED
    return PatchFault(error.code.text, error, isFinal(error), isOfDisk)
  }
}

private fun isFinal(error: UpdateError): Boolean = when (error.code) {
  SdkCode.HASH_MISMATCH,
  SdkCode.DOWNLOAD_TOO_LARGE,
  SdkCode.INSECURE_URL,
  SdkCode.ANSWER_INVALID,
  SdkCode.DECRYPTION_FAILED,
  -> true
  else -> isFinalStatus(error.status ?: 0)
}
