package dev.hotpatch.engine.state

import dev.hotpatch.engine.ground.CryptoPort
import dev.hotpatch.engine.ground.FilesPort
import dev.hotpatch.engine.ground.Settings
import dev.hotpatch.protocol.hexFromBytes
import dev.hotpatch.protocol.keyIdOf

/** Engine §8: what of this device's state decides what it takes, in the words of checks and reports. */
class ToldTrust(
  val highestSequence: Long,
  val floor: Long,
  val trustedKeys: List<String>,
  val heldReleaseId: String?,
  val embeddedBuiltAt: Long?,
)

class TrustTeller(
  private val files: FilesPort,
  private val crypto: CryptoPort,
  private val settings: Settings,
  private val store: StateStore,
  private val builtAt: Long?,
) {
  private val keyIds by lazy { settings.publicKeys.map(::idOf) }

  fun tell(): ToldTrust {
    val heldReleaseId = findHeld()
    val state = store.current()
    return ToldTrust(state.highWater, state.floor, keyIds, heldReleaseId, builtAt)
  }

  /** What judging an offer would find there (Engine §4). */
  private fun findHeld(): String? {
    val state = store.current()
    val previous = state.previous ?: return null
    if (previous.sequence < state.floor) return null
    // A folder that cannot be read now holds nothing to go back to.
    val found = runCatching { inspectSlot(files, crypto, Slot.PREVIOUS) }.getOrNull()
    return if (isSameRelease(found, previous)) previous.releaseId else null
  }

  private fun idOf(publicKey: ByteArray): String {
    val hasher = crypto.sha256()
    hasher.update(publicKey)
    return keyIdOf(hexFromBytes(hasher.digest()))
  }
}
