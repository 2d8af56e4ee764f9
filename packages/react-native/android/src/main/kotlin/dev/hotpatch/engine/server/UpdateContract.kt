package dev.hotpatch.engine.server

import dev.hotpatch.engine.ground.Binary
import dev.hotpatch.engine.state.ToldTrust
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.UnexpectedJsonException

class ToldDevice(val appId: String, val deviceId: String, val platform: String, val channel: String)

/** What the engine tells with every check, whatever the server's contract calls it. */
class ToldCheck(
  val device: ToldDevice,
  val running: CheckRequest,
  val cohorts: List<String>,
  val binary: Binary,
  /** In the order in which they are told. */
  val attributes: Map<String, String>,
)

/** What a check asks, besides what never changes. */
class CheckRequest(
  /** Of what runs. */
  val version: String,
  /** Null when embedded runs. */
  val releaseId: String?,
  val failedReleaseIds: List<String>,
  val trust: ToldTrust,
  /** Where embedded runs and can be a base: the digest of its tree (Content §3.1). */
  val embeddedUpdateId: String?,
  /** The formats of patches that can be applied here, the best first. */
  val patches: List<PatchFormat>,
)

/** Patches §5, by how it is packed. */
enum class PatchFormat(val text: String) { BROTLI("hpdelta1-br"), DEFLATE("hpdelta1-deflate") }

/** What an offer says of a patch. */
sealed interface OfferedPatch {
  /** What is there cannot be read: the bundle is there all the same. */
  class Unreadable(val error: UnexpectedJsonException) : OfferedPatch
}

/** What makes the release of one that lies here. */
data class PatchOffer(
  val format: PatchFormat,
  val url: String,
  val sha256: String,
  val sizeBytes: Long,
  /** Of what it is made of, and of what comes of it (Content §3.1). */
  val baseTree: String,
  val tree: String,
) : OfferedPatch

/** How a server is asked for updates. Reports and credentials are the same for all (Events §2, Engine §9). */
interface UpdateContract {
  /** Below the server's address; asked with POST. */
  val checkPath: String

  fun writeCheck(told: ToldCheck): JsonObject

  /** @throws UnexpectedJsonException for anything that is not as it must be */
  fun readAnswer(json: JsonValue): CheckAnswer
}

/** What a publisher signed, as it arrived; both or, for unsigned apps, neither. */
class SignedStatement(val statement: String?, val signature: String?)

/** What is at the address, where that is the release encrypted (React Native §2.2). */
data class OfferedEncryption(
  val algorithm: String,
  /** Of the encrypted file. */
  val sha256: String,
  val sizeBytes: Long,
  val keyIds: List<String>,
)

class Offer(
  val signed: SignedStatement,
  val releaseId: String,
  val version: String,
  val bundleUrl: String,
  val sha256: String,
  val sizeBytes: Long,
  /** Null when the address has the release as it is. */
  val encryption: OfferedEncryption?,
  val signature: String?,
  val patch: OfferedPatch?,
  val mandatory: Boolean,
  val notes: String?,
)

class EmbeddedOrder(val signed: SignedStatement, val mandatory: Boolean, val reason: String)

data class NativeUpdate(val minNativeVersion: String, val releaseId: String)

sealed interface CheckAnswer {
  class Offered(val offer: Offer) : CheckAnswer

  class Embedded(val order: EmbeddedOrder) : CheckAnswer

  class Nothing(val reason: String, val nativeUpdate: NativeUpdate?) : CheckAnswer
}
