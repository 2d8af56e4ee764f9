package dev.hotpatch.protocol

/**
 * Signing §6: how far above its high-water mark a device lets a sequence be. A publisher who is made to sign the
 * highest possible sequence once could send no later release to the devices that took it.
 */
const val MAX_SEQUENCE_STEP = 1_000_000L

/** More keys than any binary holds. */
const val MAX_TRUSTED_KEYS = 20

/** Signing §9: 16 hex digits, which 8 bytes are. */
private const val KEY_ID_DIGITS = 16

fun isKeyId(text: String): Boolean = text.length == KEY_ID_DIGITS && isLowerHex(text)

/**
 * Signing §9.
 * @param sha256 lower-case hex of the SHA-256 of the raw public key
 */
fun keyIdOf(sha256: String): String = sha256.take(KEY_ID_DIGITS)

/** D11: what a device has taken, and what it therefore refuses. */
class DeviceTrust(
  val highWater: Long,
  val floor: Long,
  /** Of the publishers' keys that it holds; none: it takes what nobody has signed. */
  val keyIds: List<String>,
  /** What it can go back to without fetching anything. */
  val heldReleaseId: String?,
  /** When its binary was built, in milliseconds since 1970; null: not known. */
  val builtAt: Long?,
)
