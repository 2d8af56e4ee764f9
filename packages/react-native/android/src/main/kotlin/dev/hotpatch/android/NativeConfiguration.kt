package dev.hotpatch.android

import dev.hotpatch.engine.ground.AllowInsecure
import dev.hotpatch.engine.ground.EdgeConfig

/**
 * What the binary says of its updates (README, *What the binary says*). Keys and pins come from here alone: what JavaScript
 * says can be replaced by an update, and what the store has signed cannot.
 */
data class NativeConfiguration(
  val apiUrl: String? = null,
  val appId: String? = null,
  val appKey: String? = null,
  val channel: String? = null,
  /** Base64 of raw Ed25519 keys, any of which may sign. */
  val publicKeys: List<String> = emptyList(),
  /** Base64 of raw X25519 private keys. */
  val decryptionKeys: List<String> = emptyList(),
  val pins: List<CertificatePin> = emptyList(),
  val allowInsecure: AllowInsecure = AllowInsecure.NEVER,
  val runtimeVersion: String? = null,
  /** In milliseconds since 1970, as the build wrote it down (Engine §4). */
  val builtAt: Long? = null,
  /** Signed files that say what to take beside a server, or without one (Static edge). Has public keys beside it. */
  val edge: EdgeConfig? = null,
)

/** One of the keys that a server, or who certifies it, may have. */
data class CertificatePin(val host: String, val pin: String)

/** Every mistake at once. With one of them nothing is updated: half a list of keys would be less than was meant. */
class NativeConfigurationException(val mistakes: List<String>) :
  Exception("What the binary says of its updates cannot be read. " + mistakes.joinToString(" "))
